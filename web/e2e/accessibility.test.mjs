/** axe-core finds nothing to complain about, by day and by night. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { AxeBuilder } from '@axe-core/playwright';
import { ALICE, BOB, DESKTOP, openNew, PHONE, say, snap, World, waitForState } from './harness.mjs';

let world;
before(async () => {
  world = await World.start();
});
after(async () => {
  await world.stop();
  assert.deepEqual(world.problems, []);
});

async function check(page, name) {
  await snap(page, `axe-${name}`);
  const { violations } = await new AxeBuilder({ page }).analyze();
  const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' | ')}`);
  assert.deepEqual(found, [], name);
}

for (const colorScheme of ['light', 'dark']) {
  for (const [layout, viewport] of Object.entries({ phone: PHONE, desktop: DESKTOP })) {
    test(`sign-in, list and conversation pass axe (${colorScheme}, ${layout})`, async () => {
      const context = await world.context({ colorScheme, viewport });
      const visitor = await world.tab(context);
      await visitor.getByRole('button', { name: 'Sign in' }).waitFor();
      await check(visitor, `sign-in-${colorScheme}-${layout}`);

      const alice = await world.handset(context, ALICE);
      await check(alice, `list-${colorScheme}-${layout}`);
      await openNew(alice, BOB);
      await say(alice, 'accessible to everybody');
      await waitForState(alice, 'accessible to everybody', 'sent', 'delivered', 'displayed');
      await check(alice, `conversation-${colorScheme}-${layout}`);
      await alice.getByTestId('attach').click();
      await alice.getByTestId('attach-location').click();
      await alice.getByTestId('send-location').waitFor();
      await check(alice, `sheet-${colorScheme}-${layout}`);
      await context.close();
    });
  }
}
