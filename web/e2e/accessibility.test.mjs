/** axe-core finds nothing to complain about, by day and by night. */
import { test } from 'node:test';
import {
  ALICE,
  BOB,
  DESKTOP,
  openNew,
  PHONE,
  passesAxe,
  say,
  snap,
  useWorld,
  waitForState,
} from './harness.mjs';

const world = useWorld();

async function check(page, name) {
  await snap(page, `axe-${name}`);
  await passesAxe(page);
}

for (const colorScheme of ['light', 'dark']) {
  for (const [layout, viewport] of Object.entries({ phone: PHONE, desktop: DESKTOP })) {
    test(`sign-in, list and conversation pass axe (${colorScheme}, ${layout})`, async () => {
      const visitor = await world.tab(await world.context({ colorScheme, viewport }));
      await visitor.getByRole('button', { name: 'Sign in' }).waitFor();
      await check(visitor, `sign-in-${colorScheme}-${layout}`);

      const alice = await world.handset(visitor.context(), ALICE);
      await check(alice, `list-${colorScheme}-${layout}`);
      await openNew(alice, BOB);
      await say(alice, 'accessible to everybody');
      await waitForState(alice, 'accessible to everybody', 'sent', 'delivered', 'displayed');
      await check(alice, `conversation-${colorScheme}-${layout}`);
      await alice.getByTestId('attach').click();
      await alice.getByTestId('attach-location').click();
      await alice.getByTestId('send-location').waitFor();
      await check(alice, `sheet-${colorScheme}-${layout}`);
    });
  }
}
