/** Language, appearance, read receipts, and the way out. */
import type { JSX } from 'preact';
import type { Handset } from '../handset/handset';
import { displayAddress } from '../rcs/address';
import { Avatar } from './avatar';
import { type LanguageChoice, languageChoice, t } from './i18n';
import { Icon } from './icons';
import { readReceipts, type Theme, theme } from './settings_store';
import { signOut } from './state';

export function Settings({ handset }: { handset: Handset }): JSX.Element {
  return (
    <div class="settings">
      <div class="settings-account">
        <Avatar handset={handset} peer={handset.self} size={48} />
        <span>
          <small>{t('signedInAs')}</small>
          {displayAddress(handset.self)}
        </span>
      </div>
      <Choice<LanguageChoice>
        label={t('languageLabel')}
        value={languageChoice.value}
        options={[
          ['auto', t('auto')],
          ['zh-CN', '中文'],
          ['en', 'English'],
        ]}
        onChoose={(choice) => {
          languageChoice.value = choice;
        }}
      />
      <Choice<Theme>
        label={t('appearance')}
        value={theme.value}
        options={[
          ['auto', t('auto')],
          ['light', t('light')],
          ['dark', t('dark')],
        ]}
        onChoose={(choice) => {
          theme.value = choice;
        }}
      />
      <label class="switch-row">
        <span>{t('readReceipts')}</span>
        <input
          type="checkbox"
          role="switch"
          checked={readReceipts.value}
          onChange={(event) => {
            readReceipts.value = event.currentTarget.checked;
          }}
        />
      </label>
      <button type="button" class="secondary-button wide danger" onClick={() => void signOut()}>
        <Icon name="leave" size={20} />
        {t('signOut')}
      </button>
    </div>
  );
}

function Choice<T extends string>(props: {
  label: string;
  value: T;
  options: readonly (readonly [T, string])[];
  onChoose: (choice: T) => void;
}): JSX.Element {
  return (
    <fieldset class="choice">
      <legend>{props.label}</legend>
      <div class="segments">
        {props.options.map(([value, name]) => (
          <label key={value} class="segment">
            <input
              type="radio"
              name={props.label}
              value={value}
              checked={props.value === value}
              onChange={() => props.onChoose(value)}
            />
            <span>{name}</span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}
