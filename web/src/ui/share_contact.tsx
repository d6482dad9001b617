/** Choosing whose contact card to send: one's own, that of somebody written to lately, or one from a file. */
import type { JSX } from 'preact';
import type { Handset } from '../handset/handset';
import { type Address, displayAddress, e164 } from '../rcs/address';
import { parseVCards, VCARD, VCARD_BYTES_MAX, writeVCard } from '../rcs/vcard';
import { pickFiles, sendFiles } from './attachments';
import { Avatar } from './avatar';
import { t } from './i18n';
import { Icon } from './icons';
import { MemberPicker } from './member_picker';
import { displayName } from './settings_store';
import { closeSheet, showToast } from './state';

export function ShareContact({ handset, peer }: { handset: Handset; peer: Address }): JSX.Element {
  const send = (name: string, body: BlobPart) => {
    closeSheet();
    // What a file is called may not have every character that a name has.
    const fileName = `${name.replace(/[\\/:*?"<>|\p{Cc}]/gu, ' ').trim() || 'contact'}.vcf`;
    void sendFiles(handset, peer, [new File([body], fileName, { type: VCARD })]);
  };
  const sendPerson = (person: Address, name: string) => {
    const number = e164(person);
    if (number === undefined) return;
    send(name, writeVCard({ name, organisation: null, numbers: [{ number, kind: 'mobile' }], emails: [] }));
  };
  const ownNumber = e164(handset.self) ?? '';
  const ownName = displayName(ownNumber).value || displayAddress(handset.self);
  const pick = async () => {
    const [file] = await pickFiles('.vcf,text/vcard,text/x-vcard', false);
    if (!file) return;
    const bytes = file.size <= VCARD_BYTES_MAX ? new Uint8Array(await file.arrayBuffer()) : undefined;
    const [contact] = bytes ? parseVCards(bytes) : [];
    if (!bytes || !contact) return showToast(t('noContactInFile'));
    send(contact.name, bytes);
  };
  return (
    <div class="stack" data-testid="share-contact">
      <button
        type="button"
        class="person-row"
        data-testid="own-card"
        onClick={() => sendPerson(handset.self, ownName)}
      >
        <Avatar handset={handset} peer={handset.self} size={36} />
        <span>
          {t('ownCard')}
          <small>{ownName}</small>
        </span>
      </button>
      <button type="button" class="secondary-button wide" data-testid="card-file" onClick={() => void pick()}>
        <Icon name="file" size={20} />
        {t('contactFromFile')}
      </button>
      <MemberPicker
        handset={handset}
        without={new Set([handset.self])}
        onChoose={(person) => sendPerson(person, handset.directory.name(person))}
      />
    </div>
  );
}
