/**
 * The handset's database: history, outbox and chatbot profiles of one account, in IndexedDB.
 *
 * Like the server's store it has two verbs: load and commit. A commit is all or nothing, and done when
 * its promise resolves.
 */
import type { Address } from '../rcs/address';
import type { ChatbotRecord, ConversationRecord, Direction, MessageRecord, OutboxEntry } from './records';

export type Change =
  | { readonly table: 'messages'; readonly put: MessageRecord }
  | { readonly table: 'conversations'; readonly put: ConversationRecord }
  | { readonly table: 'outbox'; readonly put: OutboxEntry }
  | { readonly table: 'outbox'; readonly remove: number }
  | { readonly table: 'chatbots'; readonly put: ChatbotRecord };

const VERSION = 1;

export class Store {
  private constructor(private readonly database: IDBDatabase) {}

  /** Opens or creates the database of an account. */
  static async open(account: string): Promise<Store> {
    const request = indexedDB.open(`hongyan:${account}`, VERSION);
    request.onupgradeneeded = () => {
      const database = request.result;
      const messages = database.createObjectStore('messages', {
        keyPath: ['peer', 'direction', 'messageId'],
      });
      messages.createIndex('order', ['peer', 'order']);
      messages.createIndex('messageId', ['direction', 'messageId']);
      database.createObjectStore('conversations', { keyPath: 'peer' });
      database.createObjectStore('outbox', { keyPath: 'sequence', autoIncrement: true });
      database.createObjectStore('chatbots', { keyPath: ['id', 'language'] });
    };
    return new Store(await result(request));
  }

  close(): void {
    this.database.close();
  }

  conversations(): Promise<ConversationRecord[]> {
    return result(this.table('conversations').getAll());
  }

  conversation(peer: Address): Promise<ConversationRecord | undefined> {
    return result(this.table('conversations').get(peer));
  }

  /** The latest `limit` messages of a conversation, oldest first. */
  async messages(peer: Address, limit: number): Promise<MessageRecord[]> {
    const range = IDBKeyRange.bound([peer, 0], [peer, Number.MAX_SAFE_INTEGER]);
    const cursorRequest = this.table('messages').index('order').openCursor(range, 'prev');
    const found: MessageRecord[] = [];
    return new Promise((resolve, reject) => {
      cursorRequest.onerror = () => reject(cursorRequest.error);
      cursorRequest.onsuccess = () => {
        const cursor = cursorRequest.result;
        if (cursor && found.push(cursor.value) < limit) cursor.continue();
        else resolve(found.reverse());
      };
    });
  }

  message(peer: Address, direction: Direction, messageId: string): Promise<MessageRecord | undefined> {
    return result(this.table('messages').get([peer, direction, messageId]));
  }

  /** The message that we sent under this id, to whomever. */
  sentMessage(messageId: string): Promise<MessageRecord | undefined> {
    return result(this.table('messages').index('messageId').get(['out', messageId]));
  }

  /** Everything that waits to go out, in order. */
  outbox(): Promise<OutboxEntry[]> {
    return result(this.table('outbox').getAll());
  }

  chatbot(id: Address, language: string): Promise<ChatbotRecord | undefined> {
    return result(this.table('chatbots').get([id, language]));
  }

  /** Writes all changes or, with a rejection, none. */
  commit(changes: readonly Change[]): Promise<void> {
    const tables = [...new Set(changes.map((change) => change.table))];
    if (tables.length === 0) return Promise.resolve();
    const transaction = this.database.transaction(tables, 'readwrite', { durability: 'strict' });
    return new Promise((resolve, reject) => {
      transaction.oncomplete = () => resolve();
      transaction.onabort = () => reject(transaction.error);
      try {
        for (const change of changes) {
          const table = transaction.objectStore(change.table);
          if ('remove' in change) table.delete(change.remove);
          else table.put(change.put);
        }
      } catch (error) {
        // A value that can't be written throws at once; what was put before it mustn't stay.
        reject(error);
        transaction.abort();
      }
    });
  }

  private table(name: string): IDBObjectStore {
    return this.database.transaction(name, 'readonly').objectStore(name);
  }
}

function result<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
