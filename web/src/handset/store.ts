/**
 * The handset's database: history, outbox and chatbot profiles of one account, in IndexedDB.
 *
 * Like the server's store it has two verbs: load and commit. A commit is all or nothing, and done when
 * its promise resolves.
 */
import type { Address } from '../rcs/address';
import type {
  ChatbotRecord,
  ConversationRecord,
  Direction,
  FileRecord,
  MessageRecord,
  OutboxEntry,
  PersonRecord,
} from './records';

export type Change =
  | { readonly table: 'messages'; readonly put: MessageRecord }
  | { readonly table: 'messages'; readonly remove: [Address, Direction, string] }
  /** A whole conversation. */
  | { readonly table: 'messages'; readonly removeAll: Address }
  | { readonly table: 'conversations'; readonly put: ConversationRecord }
  | { readonly table: 'conversations'; readonly remove: Address }
  | { readonly table: 'people'; readonly put: PersonRecord }
  | { readonly table: 'outbox'; readonly put: OutboxEntry }
  | { readonly table: 'outbox'; readonly remove: number }
  | { readonly table: 'files'; readonly put: FileRecord }
  | { readonly table: 'files'; readonly remove: string }
  | { readonly table: 'chatbots'; readonly put: ChatbotRecord };

const VERSION = 2;

export class Store {
  /** Called when another tab wants to remove or renew the database: this one is then closed. */
  onErased: () => void = () => {};

  private constructor(private readonly database: IDBDatabase) {
    // A tab that clears everything, or has a newer version of this page, mustn't wait for this one.
    database.onversionchange = () => {
      database.close();
      this.onErased();
    };
  }

  /** Opens or creates the database of an account. */
  static async open(account: string): Promise<Store> {
    const request = indexedDB.open(`hongyan:${account}`, VERSION);
    request.onupgradeneeded = ({ oldVersion }) => upgrade(request, oldVersion);
    return new Store(await result(request));
  }

  /** Removes all that is kept of an account. Other tabs of it lose their store. */
  static async remove(account: string): Promise<void> {
    await result(indexedDB.deleteDatabase(`hongyan:${account}`));
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

  /** The latest `limit` messages of a conversation, oldest first; what was deleted isn't among them. */
  async messages(peer: Address, limit: number): Promise<MessageRecord[]> {
    const found: MessageRecord[] = [];
    await this.each(peer, (record) => record.deleted || found.push(record) < limit);
    return found.reverse();
  }

  /** All messages from some time before `order` (as many as `before`) to the latest, oldest first. */
  async messagesAround(peer: Address, order: number, before: number): Promise<MessageRecord[]> {
    const found: MessageRecord[] = [];
    let older = 0;
    await this.each(peer, (record) => {
      if (!record.deleted) found.push(record);
      return record.order >= order || ++older < before;
    });
    return found.reverse();
  }

  /**
   * Visits the messages of a conversation, or of all, newest first, for as long as `visit` returns true. It
   * must not wait for anything.
   */
  each(peer: Address | undefined, visit: (record: MessageRecord) => boolean): Promise<void> {
    const table = this.table('messages');
    const request =
      peer === undefined
        ? table.index('time').openCursor(null, 'prev')
        : table
            .index('order')
            .openCursor(IDBKeyRange.bound([peer, 0], [peer, Number.MAX_SAFE_INTEGER]), 'prev');
    return new Promise((resolve, reject) => {
      request.onerror = () => reject(request.error);
      request.onsuccess = () => {
        const cursor = request.result;
        if (cursor && visit(cursor.value)) cursor.continue();
        else resolve();
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

  /** Files that wait to be uploaded, oldest first. */
  async files(): Promise<FileRecord[]> {
    const files: FileRecord[] = await result(this.table('files').getAll());
    return files.sort((a, b) => a.order - b.order);
  }

  file(messageId: string): Promise<FileRecord | undefined> {
    return result(this.table('files').get(messageId));
  }

  people(): Promise<PersonRecord[]> {
    return result(this.table('people').getAll());
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
          // An array sorts after every string: the range is all keys that begin with the peer.
          else if ('removeAll' in change)
            table.delete(IDBKeyRange.bound([change.removeAll], [change.removeAll, []]));
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

/** Brings a database of an older version up to date, a new one from 0. */
function upgrade({ result: database, transaction }: IDBOpenDBRequest, from: number): void {
  if (from < 1) {
    const messages = database.createObjectStore('messages', { keyPath: ['peer', 'direction', 'messageId'] });
    messages.createIndex('order', ['peer', 'order']);
    messages.createIndex('messageId', ['direction', 'messageId']);
    database.createObjectStore('conversations', { keyPath: 'peer' });
    database.createObjectStore('outbox', { keyPath: 'sequence', autoIncrement: true });
    database.createObjectStore('chatbots', { keyPath: ['id', 'language'] });
  }
  if (from < 2) {
    database.createObjectStore('files', { keyPath: 'messageId' });
    database.createObjectStore('people', { keyPath: 'address' });
    // For searching all conversations, newest first.
    transaction?.objectStore('messages').createIndex('time', 'order');
  }
}

function result<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
