/** Feature tags: what this handset says it can do, and what a peer said (RFC 3840, 3841). */
import { type Address, e164, isGroup } from '../rcs/address';

const ICSI = 'urn:urn-7:3gpp-service.ims.icsi.';
const IARI = 'urn:urn-7:3gpp-application.ims.iari.';

/** Service of a pager-mode message, as P-Preferred-Service names it. */
export const PAGER_SERVICE = `${ICSI}oma.cpm.msg`;

const PAGER_TAG = `+g.3gpp.icsi-ref="${encodeURIComponent(PAGER_SERVICE)}"`;
const IARIS = ['rcs.chatbot.sa', 'rcs.fthttp', 'rcs.geopush']
  .map((name) => encodeURIComponent(IARI + name))
  .join(',');
const CHATBOT_TAG = `+g.3gpp.iari-ref="${encodeURIComponent(`${IARI}rcs.chatbot.sa`)}"`;
const BOT_VERSION = '+g.gsma.rcs.botversion';

/** Parameters of our Contact in REGISTER, in JsSIP's form: name to value, quotes included. */
export const CONTACT_PARAMETERS: Readonly<Record<string, string>> = {
  '+g.3gpp.icsi-ref': `"${encodeURIComponent(PAGER_SERVICE)}"`,
  '+g.3gpp.iari-ref': `"${IARIS}"`,
  [BOT_VERSION]: '"#=1"',
};

/** The same as text, for the Contact in the answer to OPTIONS. */
export const CONTACT_TAGS = Object.entries(CONTACT_PARAMETERS)
  .map(([name, value]) => `;${name}=${value}`)
  .join('');

/** Which devices of the peer a message is for: those with pager mode, and for a chatbot its services. */
export function acceptContact(peer: Address): string[] {
  const pager = `Accept-Contact: *;${PAGER_TAG}`;
  return e164(peer) !== undefined || isGroup(peer)
    ? [pager]
    : [pager, `Accept-Contact: *;${CHATBOT_TAG};${BOT_VERSION}="#=1"`];
}

/** What OPTIONS told about a peer. */
export type Capability =
  /** Has a device that is there now. */
  | 'reachable'
  /** An RCS user whose devices are away: messages are kept. */
  | 'away'
  /** Not known to the network. */
  | 'none'
  | 'chatbot'
  | 'unknown';

/** Whether whoever answered OPTIONS so reads pushed locations; a text with a `geo:` URI everybody does. */
export function takesPlaces(contact: string): boolean {
  return decodeURIComponent(contact.replace(/%(?![0-9a-f]{2})/gi, '%25'))
    .toLowerCase()
    .includes('rcs.geopush');
}

/** Reads the final answer to OPTIONS. `status` 0 means that none came. */
export function readCapability(status: number, contact: string): Capability {
  if (status >= 200 && status < 300) return /\+g\.gsma\.rcs\.isbot/i.test(contact) ? 'chatbot' : 'reachable';
  if (status === 480) return 'away';
  if (status === 404 || status === 604) return 'none';
  return 'unknown';
}
