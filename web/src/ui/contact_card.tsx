/** Somebody's contact card, as it came: who it is, and how to write to them. */
import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import type { Handset } from '../handset/handset';
import { type Address, displayAddress, e164, parseAddress } from '../rcs/address';
import type { FileInfo } from '../rcs/file_transfer';
import { type Contact, parseVCards, VCARD_BYTES_MAX } from '../rcs/vcard';
import { Avatar } from './avatar';
import { copyText } from './copy';
import { t, type Word } from './i18n';
import { Icon } from './icons';
import { closeSheet, openConversation, openSheet, showToast } from './state';

const KINDS = { mobile: 'numberMobile', home: 'numberHome', work: 'numberWork', fax: 'numberFax' } as const;

/** The cards in a file; empty until it has been read, `undefined` when there is none in it. */
export function useContacts(
  file: FileInfo,
  local: Blob | undefined,
): { readonly contacts: readonly Contact[] | undefined } {
  const contacts = useSignal<readonly Contact[] | undefined>([]);
  useEffect(() => {
    let gone = false;
    void readContacts(file, local).then((read) => {
      if (!gone) contacts.value = read.length > 0 ? read : undefined;
    });
    return () => {
      gone = true;
    };
  }, [file.url, local]);
  return { contacts: contacts.value };
}

/** The page's policy allows our own server only: a card from elsewhere stays a file. */
async function readContacts(file: FileInfo, local: Blob | undefined): Promise<readonly Contact[]> {
  if (!local && (file.sizeBytes ?? 0) > VCARD_BYTES_MAX) return [];
  try {
    const blob = local ?? (await fetched(file.url));
    return blob && blob.size <= VCARD_BYTES_MAX ? parseVCards(new Uint8Array(await blob.arrayBuffer())) : [];
  } catch {
    return [];
  }
}

async function fetched(url: string): Promise<Blob | undefined> {
  const answer = await fetch(url, { credentials: 'omit', referrerPolicy: 'no-referrer' });
  return answer.ok ? answer.blob() : undefined;
}

export function ContactCards(props: {
  handset: Handset;
  contacts: readonly Contact[];
  /** Where the file is, to be saved. */
  src: string;
  fileName: string;
}): JSX.Element {
  const { handset, contacts, src, fileName } = props;
  return (
    <div class="contacts">
      {contacts.map((contact, place) => (
        <button
          key={place}
          type="button"
          class="file"
          aria-haspopup="dialog"
          data-testid="contact-card"
          onClick={() =>
            openSheet({
              title: t('contactCard'),
              content: <ContactSheet handset={handset} contact={contact} src={src} fileName={fileName} />,
            })
          }
        >
          <Face handset={handset} contact={contact} size={44} />
          <span class="file-text">
            <span class="file-name">{nameOf(contact)}</span>
            <small>{contact.numbers[0]?.number ?? contact.emails[0] ?? contact.organisation ?? ''}</small>
          </span>
        </button>
      ))}
    </div>
  );
}

function ContactSheet(props: {
  handset: Handset;
  contact: Contact;
  src: string;
  fileName: string;
}): JSX.Element {
  const { handset, contact, src, fileName } = props;
  const people = contact.numbers.map(({ number }) => personOf(number));
  const first = people.find((person) => person !== undefined);
  const keep = (person: Address) =>
    void handset.directory
      .note(person, { name: contact.name.slice(0, 60) })
      .then(() => showToast(t('saved')));
  return (
    <div class="stack" data-testid="contact">
      <div class="person-head">
        <Face handset={handset} contact={contact} size={84} />
        <h3>{nameOf(contact)}</h3>
        {contact.organisation !== null && contact.organisation !== contact.name && (
          <p>{contact.organisation}</p>
        )}
      </div>
      <ul class="people">
        {contact.numbers.map(({ number, kind }, place) => (
          <li key={place}>
            <NumberRow
              number={number}
              kind={kind === null ? undefined : KINDS[kind]}
              person={people[place]}
            />
          </li>
        ))}
        {contact.emails.map((email) => (
          <li key={email}>
            <a class="person-row" href={`mailto:${encodeURIComponent(email)}`}>
              <span>{email}</span>
            </a>
          </li>
        ))}
      </ul>
      {first !== undefined && contact.name !== '' && (
        <button
          type="button"
          class="secondary-button wide"
          data-testid="keep-name"
          onClick={() => keep(first)}
        >
          <Icon name="userPlus" size={20} />
          {t('keepContactName')}
        </button>
      )}
      <a class="secondary-button wide" href={src} download={fileName} data-testid="save-contact">
        <Icon name="download" size={20} />
        {t('saveContact')}
      </a>
    </div>
  );
}

/** A number to write to; one that is no telephone number of the network's can be copied. */
function NumberRow(props: {
  number: string;
  kind: Word | undefined;
  person: Address | undefined;
}): JSX.Element {
  const { number, kind, person } = props;
  const write = () => {
    if (person === undefined) return void copyText(number);
    closeSheet();
    openConversation(person);
  };
  return (
    <button
      type="button"
      class="person-row"
      data-testid="contact-number"
      aria-label={t(person === undefined ? 'copyThisNumber' : 'writeToNumber', { number })}
      onClick={write}
    >
      <span>
        {person === undefined ? number : displayAddress(person)}
        {kind !== undefined && <small>{t(kind)}</small>}
      </span>
      <Icon name={person === undefined ? 'copy' : 'compose'} size={20} />
    </button>
  );
}

function Face(props: { handset: Handset; contact: Contact; size: number }): JSX.Element {
  const { handset, contact, size } = props;
  const person = contact.numbers.map(({ number }) => personOf(number)).find((one) => one !== undefined);
  if (person !== undefined) return <Avatar handset={handset} peer={person} size={size} />;
  return (
    <span class="avatar hue-0" style={{ width: `${size}px`, height: `${size}px` }} aria-hidden="true">
      {nameOf(contact).slice(0, 1)}
    </span>
  );
}

function personOf(number: string): Address | undefined {
  const address = parseAddress(number);
  return address !== undefined && e164(address) !== undefined ? address : undefined;
}

function nameOf(contact: Contact): string {
  return contact.name || contact.numbers[0]?.number || contact.emails[0] || '';
}
