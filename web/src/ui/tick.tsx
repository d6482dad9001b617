/** How far an own message has come: clock, one tick, two ticks, two coloured ticks. */
import type { JSX } from 'preact';
import type { MessageState } from '../handset/records';
import { t } from './i18n';
import { Icon, type IconName } from './icons';

const ICONS: Record<MessageState, IconName> = {
  pending: 'clock',
  failed: 'alert',
  sent: 'check',
  delivered: 'checks',
  displayed: 'checks',
};

export function StateTick({ state }: { state: MessageState }): JSX.Element {
  return (
    <span class={`tick is-${state}`} role="img" aria-label={t(state)} title={t(state)}>
      <Icon name={ICONS[state]} size={16} />
    </span>
  );
}
