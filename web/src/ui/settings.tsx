/** Who the user is, how they are connected, what they like, and the ways out. */
import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import type { Handset } from '../handset/handset';
import { displayAddress, e164 } from '../rcs/address';
import { ConsentSheet } from './action_sheets';
import { Avatar } from './avatar';
import { BlockedList } from './block';
import { Choice, Switch } from './controls';
import { setHistory } from './history';
import { type LanguageChoice, languageChoice, sizeText, t } from './i18n';
import { Icon } from './icons';
import { allowNotifications } from './notifier';
import { displayName, notifications, readReceipts, type Theme, theme } from './settings_store';
import { clearData, openSheet, signOut } from './state';

const NAME_MAX = 60;

export function Settings({ handset }: { handset: Handset }): JSX.Element {
  return (
    <div class="settings">
      <Account handset={handset} />
      <Connection handset={handset} />
      <section class="settings-group" aria-label={t('privacy')}>
        <Switch
          label={t('notifications')}
          isOn={notifications.value}
          onChange={(isOn) => {
            if (isOn) void allowNotifications();
            else notifications.value = false;
          }}
        />
        <Switch
          label={t('readReceipts')}
          isOn={readReceipts.value}
          onChange={(isOn) => {
            readReceipts.value = isOn;
          }}
        />
        <HistorySwitch handset={handset} />
      </section>
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
      {handset.blockList.blocked.value !== undefined && (
        <section class="settings-group" aria-label={t('blockedList')}>
          <button
            type="button"
            class="settings-row"
            data-testid="blocked-list"
            onClick={() => openSheet({ title: t('blockedList'), content: <BlockedList handset={handset} /> })}
          >
            <Icon name="block" size={20} />
            <span>{t('blockedList')}</span>
            {handset.blockList.blocked.value.size}
            <Icon name="next" size={18} />
          </button>
        </section>
      )}
      <Storage handset={handset} />
      <button type="button" class="secondary-button wide danger" onClick={() => void signOut()}>
        <Icon name="leave" size={20} />
        {t('signOut')}
      </button>
    </div>
  );
}

function Account({ handset }: { handset: Handset }): JSX.Element {
  const name = displayName(e164(handset.self) ?? '');
  return (
    <>
      <div class="settings-account">
        <Avatar handset={handset} peer={handset.self} size={56} />
        <span>
          {name.value || displayAddress(handset.self)}
          <small>{name.value ? displayAddress(handset.self) : t('signedInAs')}</small>
        </span>
      </div>
      <label class="field">
        <span>{t('ownName')}</span>
        <input
          type="text"
          maxLength={NAME_MAX}
          autocomplete="nickname"
          placeholder={t('ownNameHint')}
          value={name.value}
          data-testid="own-name"
          onInput={(event) => {
            name.value = event.currentTarget.value;
          }}
        />
      </label>
    </>
  );
}

function Connection({ handset }: { handset: Handset }): JSX.Element {
  const state = handset.registration.value;
  const devices = handset.devices.value;
  return (
    <dl class="facts" aria-label={t('registration')}>
      <dt>{t('registration')}</dt>
      <dd class={`connection-state is-${state}`} data-testid="registration">
        {state === 'registered'
          ? t('registered')
          : state === 'connecting'
            ? t('connecting')
            : t('offlineShort')}
      </dd>
      <dt>{t('server')}</dt>
      <dd>{handset.domain}</dd>
      {devices > 0 && (
        <>
          <dt>{t('signedInDevices')}</dt>
          <dd>{t('deviceCount', { n: devices })}</dd>
        </>
      )}
      <dt>{t('thisDevice')}</dt>
      <dd>{handset.deviceId.slice(0, 8)}</dd>
    </dl>
  );
}

function Storage({ handset }: { handset: Handset }): JSX.Element {
  const used = useSignal<number | undefined>(undefined);
  useEffect(() => {
    // Absent on pages that came by plain HTTP from another machine.
    void navigator.storage?.estimate().then(({ usage }) => {
      used.value = usage;
    });
  }, []);
  const ask = () =>
    openSheet({
      title: t('clearData'),
      content: (
        <ConsentSheet
          text={t('clearDataHint', { number: displayAddress(handset.self) })}
          accept={t('clearData')}
          onAccept={() => void clearData()}
        />
      ),
    });
  return (
    <section class="settings-group" aria-label={t('storage')}>
      <button type="button" class="settings-row danger" data-testid="clear-data" onClick={ask}>
        <Icon name="trash" size={20} />
        <span>
          {t('clearData')}
          {used.value !== undefined && <small>{t('storageUsed', { used: sizeText(used.value) })}</small>}
        </span>
      </button>
    </section>
  );
}

/** Nothing where the server keeps no history. */
function HistorySwitch({ handset }: { handset: Handset }): JSX.Element | null {
  const state = handset.history.state.value;
  if (!state?.isOffered && !state?.isEnabled) return null;
  return (
    <Switch
      label={t('keepHistory')}
      hint={t('keepHistoryHint')}
      isOn={state.isEnabled}
      onChange={(isOn) => setHistory(handset, isOn)}
    />
  );
}
