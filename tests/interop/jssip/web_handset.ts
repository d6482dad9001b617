// What the web handset writes and reads, for a client of another make to send and to check; bundled when the tests run.
export { Envelopes } from '../../../web/src/handset/envelope';
export { parseAddress } from '../../../web/src/rcs/address';
export { parseCpim } from '../../../web/src/rcs/cpim';
