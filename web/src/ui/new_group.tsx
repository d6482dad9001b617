/** Making a group: its name and its first members. */
import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import type { Handset } from '../handset/handset';
import type { Address } from '../rcs/address';
import { t } from './i18n';
import { Icon } from './icons';
import { MemberPicker } from './member_picker';
import { closeSheet, openConversation, showToast } from './state';

/** As the server allows, in characters that may be three bytes each. */
export const SUBJECT_MAX = 60;

export function NewGroup({ handset }: { handset: Handset }): JSX.Element {
  const subject = useSignal('');
  const members = useSignal<readonly Address[]>([]);
  const problem = useSignal('');
  const isBusy = useSignal(false);
  const create = async (event: Event) => {
    event.preventDefault();
    if (members.value.length === 0 || isBusy.value) return;
    isBusy.value = true;
    const made = await handset.groups.create(subject.value.trim(), members.value);
    isBusy.value = false;
    if (!('focus' in made)) {
      problem.value = t('groupNotMade', { reason: reasonText(made) });
      return;
    }
    closeSheet();
    openConversation(made.focus);
    const names = made.left.map((member) => handset.directory.name(member)).join(', ');
    if (names !== '') showToast(t('groupLeftOut', { names }));
  };
  return (
    <form class="stack" onSubmit={(event) => void create(event)}>
      <label class="field">
        <span>{t('groupSubject')}</span>
        <input
          autofocus
          type="text"
          maxLength={SUBJECT_MAX}
          autocomplete="off"
          placeholder={t('groupSubjectHint')}
          value={subject.value}
          data-testid="group-subject"
          onInput={(event) => {
            subject.value = event.currentTarget.value;
          }}
        />
      </label>
      {members.value.length > 0 && (
        <ul class="chosen" aria-label={t('membersToBe')}>
          {members.value.map((member) => (
            <li key={member}>
              <button
                type="button"
                class="chosen-member"
                aria-label={t('removeFile', { name: handset.directory.name(member) })}
                onClick={() => {
                  members.value = members.value.filter((other) => other !== member);
                }}
              >
                {handset.directory.name(member)}
                <Icon name="close" size={16} />
              </button>
            </li>
          ))}
        </ul>
      )}
      <MemberPicker
        handset={handset}
        without={new Set([...members.value, handset.self])}
        onChoose={(member) => {
          members.value = [...members.value, member];
        }}
      />
      <p class="field-problem" role="alert">
        {problem.value}
      </p>
      <button
        type="submit"
        class="primary-button wide"
        data-testid="create-group"
        disabled={members.value.length === 0 || isBusy.value}
      >
        {t('createGroup', { n: members.value.length + 1 })}
      </button>
    </form>
  );
}

/** What the network said, or that it said nothing. */
export function reasonText({ status, reason }: { status: number; reason: string }): string {
  return status === 0 ? t('noNetwork') : `${status} ${reason}`.trim();
}
