/** A group: its name, who is in it, and what one may change. */
import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import type { GroupMember } from '../handset/group';
import type { Handset } from '../handset/handset';
import { makeThumbnail } from '../media/thumbnail';
import { type Address, displayAddress } from '../rcs/address';
import type { Answer } from '../sip/user_agent';
import { ConsentSheet } from './action_sheets';
import { pickFiles } from './attachments';
import { Avatar } from './avatar';
import { askToDelete } from './history';
import { t } from './i18n';
import { Icon } from './icons';
import { MemberPicker } from './member_picker';
import { reasonText, SUBJECT_MAX } from './new_group';
import { ClaimedName } from './person_profile';
import { openSheet, showToast } from './state';

/** What is uploaded; the server makes it smaller still. */
const PICTURE_BYTES_MAX = 64 * 1024;

interface Props {
  readonly handset: Handset;
  readonly focus: Address;
}

export function GroupProfile({ handset, focus }: Props): JSX.Element | null {
  const adding = useSignal(false);
  const group = handset.archive.conversations.value.find(({ peer }) => peer === focus)?.group;
  if (!group) return null;
  const members = [...group.members].sort((a, b) => Number(b.isAdmin) - Number(a.isAdmin));
  const isAdmin = members.some((member) => member.address === handset.self && member.isAdmin);
  return (
    <div class="stack" data-testid="group">
      <div class="person-head">
        <Avatar handset={handset} peer={focus} size={84} />
        <h3>{handset.directory.name(focus)}</h3>
        <p>{t('memberCount', { n: members.length })}</p>
        {group.isMember && handset.contentServer && (
          <Picture handset={handset} focus={focus} hasPicture={group.icon !== undefined} />
        )}
      </div>
      {group.isMember && (
        <Subject key={group.subject} handset={handset} focus={focus} subject={group.subject} />
      )}
      <section aria-label={t('members')}>
        <h3 class="section-title">{t('members')}</h3>
        <ul class="people">
          {members.map((member) => (
            <li key={member.address} class="person-row" data-testid="member">
              <Member handset={handset} focus={focus} member={member} mayChange={isAdmin && group.isMember} />
            </li>
          ))}
        </ul>
      </section>
      {group.isMember && !adding.value && (
        <button
          type="button"
          class="secondary-button wide"
          data-testid="add-member"
          onClick={() => {
            adding.value = true;
          }}
        >
          <Icon name="userPlus" size={20} />
          {t('addMember')}
        </button>
      )}
      {group.isMember && adding.value && (
        <MemberPicker
          handset={handset}
          without={new Set(members.map(({ address }) => address))}
          onChoose={(member) => {
            adding.value = false;
            void done(handset.groups.add(focus, member));
          }}
        />
      )}
      {group.isMember ? (
        <LeaveButton handset={handset} focus={focus} />
      ) : (
        <DeleteButton handset={handset} focus={focus} />
      )}
    </div>
  );
}

function Picture({ handset, focus, hasPicture }: Props & { hasPicture: boolean }): JSX.Element {
  const isBusy = useSignal(false);
  const change = async (picture: Blob | undefined) => {
    isBusy.value = true;
    await done(handset.groups.setIcon(focus, picture));
    isBusy.value = false;
  };
  const choose = async () => {
    const [file] = await pickFiles('image/*', false);
    if (!file) return;
    const picture = await makeThumbnail(file, PICTURE_BYTES_MAX);
    if (picture) await change(picture);
    else showToast(t('pictureUnreadable'));
  };
  return (
    <div class="buttons">
      <button
        type="button"
        class="text-button"
        disabled={isBusy.value}
        data-testid="set-picture"
        onClick={() => void choose()}
      >
        {t(hasPicture ? 'changeGroupPicture' : 'setGroupPicture')}
      </button>
      {hasPicture && (
        <button
          type="button"
          class="text-button"
          disabled={isBusy.value}
          data-testid="remove-picture"
          onClick={() => void change(undefined)}
        >
          {t('removeGroupPicture')}
        </button>
      )}
    </div>
  );
}

function Subject({ handset, focus, subject }: Props & { subject: string }): JSX.Element {
  const text = useSignal(subject);
  const save = (event: Event) => {
    event.preventDefault();
    void done(handset.groups.rename(focus, text.value.trim()));
  };
  return (
    <form class="field-with-action" onSubmit={save}>
      <label class="field">
        <span>{t('groupSubject')}</span>
        <input
          type="text"
          maxLength={SUBJECT_MAX}
          autocomplete="off"
          value={text.value}
          data-testid="group-subject"
          onInput={(event) => {
            text.value = event.currentTarget.value;
          }}
        />
      </label>
      <button type="submit" class="secondary-button" disabled={text.value.trim() === subject}>
        {t('save')}
      </button>
    </form>
  );
}

function Member(props: Props & { member: GroupMember; mayChange: boolean }): JSX.Element {
  const { handset, focus, member } = props;
  const isSelf = member.address === handset.self;
  const name = isSelf ? t('you') : handset.directory.name(member.address);
  const mayChange = props.mayChange && !isSelf;
  return (
    <>
      <Avatar handset={handset} peer={member.address} size={40} />
      <span>
        {name} {!isSelf && <ClaimedName handset={handset} peer={member.address} />}
        <small>
          {[
            name !== displayAddress(member.address) && displayAddress(member.address),
            member.isAdmin && t('admin'),
            member.isPending && t('invitedState'),
          ]
            .filter(Boolean)
            .join(' · ')}
        </small>
      </span>
      {mayChange && !member.isAdmin && (
        <button
          type="button"
          class="icon-button"
          aria-label={t('makeAdmin', { name })}
          onClick={() => void done(handset.groups.setAdmin(focus, member.address, true))}
        >
          <Icon name="shield" size={20} />
        </button>
      )}
      {mayChange && (
        <button
          type="button"
          class="icon-button danger"
          aria-label={t('removeMember', { name })}
          onClick={() => void done(handset.groups.remove(focus, member.address))}
        >
          <Icon name="close" size={20} />
        </button>
      )}
    </>
  );
}

function LeaveButton({ handset, focus }: Props): JSX.Element {
  const ask = () =>
    openSheet({
      title: t('leaveGroup'),
      content: (
        <ConsentSheet
          text={t('leaveGroupHint')}
          accept={t('leaveGroup')}
          onAccept={() => void done(handset.groups.leave(focus))}
        />
      ),
    });
  return (
    <button type="button" class="secondary-button wide danger" data-testid="leave-group" onClick={ask}>
      <Icon name="leave" size={20} />
      {t('leaveGroup')}
    </button>
  );
}

function DeleteButton({ handset, focus }: Props): JSX.Element {
  return (
    <button type="button" class="secondary-button wide danger" onClick={() => askToDelete(handset, focus)}>
      <Icon name="trash" size={20} />
      {t('deleteConversation')}
    </button>
  );
}

/** Says so when the network did not do what was asked; what it did is seen. */
async function done(asked: Promise<Answer>): Promise<void> {
  const answer = await asked;
  if (answer.status < 200 || answer.status >= 300) showToast(t('notDone', { reason: reasonText(answer) }));
}
