/** Signing in as a subscriber. */
import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { type Language, language, languageChoice, t } from './i18n';
import { Goose, Icon } from './icons';
import { signIn, signInProblem, signingIn, signOut } from './state';

export function SignIn(): JSX.Element {
  const number = useSignal('');
  const password = useSignal('');
  const visible = useSignal(false);
  const busy = signingIn.value;
  const problem = signInProblem.value;
  const submit = (event: Event) => {
    event.preventDefault();
    if (!busy) void signIn(number.value, password.value);
  };
  return (
    <main class="sign-in">
      <div class="sign-in-language">
        <LanguageButton choice="zh-CN" name="中文" />
        <LanguageButton choice="en" name="English" />
      </div>
      <form class="sign-in-card" onSubmit={submit} aria-labelledby="sign-in-title">
        <Goose size={84} />
        <h1>
          {t('appName')}
          <small>{t('tagline')}</small>
        </h1>
        <p id="sign-in-title" class="sign-in-title">
          {t('signInTitle')}
        </p>
        <label class="field">
          <span>{t('number')}</span>
          <input
            type="tel"
            name="number"
            autocomplete="tel"
            inputMode="tel"
            placeholder="+86 138 0000 0001"
            required
            value={number.value}
            onInput={(event) => {
              number.value = event.currentTarget.value;
            }}
          />
        </label>
        <div class="field">
          <label for="password">{t('password')}</label>
          <div class="field-with-button">
            <input
              id="password"
              // Preact's types want one of the two at compile time.
              type={(visible.value ? 'text' : 'password') as 'password'}
              name="password"
              autocomplete="current-password"
              required
              value={password.value}
              onInput={(event) => {
                password.value = event.currentTarget.value;
              }}
            />
            <button
              type="button"
              class="icon-button"
              aria-label={t(visible.value ? 'hidePassword' : 'showPassword')}
              aria-pressed={visible.value}
              onClick={() => {
                visible.value = !visible.value;
              }}
            >
              <Icon name={visible.value ? 'eyeOff' : 'eye'} />
            </button>
          </div>
        </div>
        <p class="sign-in-problem" role="alert">
          {problem !== undefined && t(problem)}
        </p>
        <button type="submit" class="primary-button wide" disabled={busy}>
          {busy ? t('signingIn') : t('signIn')}
        </button>
        {busy ? (
          <button type="button" class="text-button" onClick={() => void signOut()}>
            {t('cancel')}
          </button>
        ) : (
          <p class="sign-in-hint">{t('signInHint')}</p>
        )}
      </form>
    </main>
  );
}

function LanguageButton({ choice, name }: { choice: Language; name: string }): JSX.Element {
  return (
    <button
      type="button"
      class="text-button"
      lang={choice}
      aria-pressed={language.value === choice}
      onClick={() => {
        languageChoice.value = choice;
      }}
    >
      {name}
    </button>
  );
}
