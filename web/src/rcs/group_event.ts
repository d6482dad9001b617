/** What happens in a group besides what is said. */
import type { Address } from './address';

/** Something that happened in a group, shown as a line between the messages. */
export type GroupEvent =
  | { readonly kind: 'created' }
  /** Somebody brought us in. */
  | { readonly kind: 'invited'; readonly by: Address | undefined }
  | { readonly kind: 'added' | 'joined' | 'left'; readonly who: Address }
  | { readonly kind: 'renamed'; readonly subject: string }
  /** It has another picture, or none any more; `by` is absent when that was us, or nobody is named. */
  | { readonly kind: 'pictured'; readonly by: Address | undefined; readonly isGone: boolean }
  /** We are no longer in it. */
  | { readonly kind: 'out'; readonly wasRemoved: boolean };
