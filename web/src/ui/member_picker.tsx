/** Choosing people: by number, or those that were written to lately. */
import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import type { Handset } from '../handset/handset';
import { type Address, displayAddress, e164, parseAddress } from '../rcs/address';
import { Avatar } from './avatar';
import { t } from './i18n';

interface Props {
  readonly handset: Handset;
  /** Who is not offered: in already. */
  readonly without: ReadonlySet<Address>;
  readonly onChoose: (member: Address) => void;
}

export function MemberPicker({ handset, without, onChoose }: Props): JSX.Element {
  const typed = useSignal('');
  const wrong = useSignal(false);
  const add = () => {
    const member = parseAddress(typed.value);
    wrong.value = !member || e164(member) === undefined || without.has(member);
    if (!member || wrong.value) return;
    typed.value = '';
    onChoose(member);
  };
  const recent = handset.archive.conversations.value
    .map(({ peer }) => peer)
    .filter((peer) => e164(peer) !== undefined && !without.has(peer));
  return (
    <>
      <div class="field-with-action">
        <label class="field">
          <span>{t('addByNumber')}</span>
          <input
            type="tel"
            autocomplete="off"
            placeholder={t('memberNumberHint')}
            aria-invalid={wrong.value}
            aria-describedby="member-problem"
            value={typed.value}
            data-testid="member-number"
            onInput={(event) => {
              typed.value = event.currentTarget.value;
              wrong.value = false;
            }}
            onKeyDown={(event) => {
              if (event.key !== 'Enter') return;
              // The form around may have a purpose of its own.
              event.preventDefault();
              add();
            }}
          />
        </label>
        <button type="button" class="secondary-button" disabled={typed.value.trim() === ''} onClick={add}>
          {t('add')}
        </button>
      </div>
      <p id="member-problem" class="field-problem" role="alert">
        {wrong.value && t('notAMemberNumber')}
      </p>
      {recent.length > 0 && (
        <section aria-label={t('recent')}>
          <h3 class="section-title">{t('recent')}</h3>
          <ul class="people">
            {recent.slice(0, 20).map((peer) => (
              <li key={peer}>
                <button type="button" class="person-row" onClick={() => onChoose(peer)}>
                  <Avatar handset={handset} peer={peer} size={36} />
                  <span>
                    {handset.directory.name(peer)}
                    {handset.directory.name(peer) !== displayAddress(peer) && (
                      <small>{displayAddress(peer)}</small>
                    )}
                  </span>
                </button>
              </li>
            ))}
          </ul>
        </section>
      )}
    </>
  );
}
