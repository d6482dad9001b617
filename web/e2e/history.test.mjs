/** The history that the server keeps: turned on by its owner, it fills a browser that has never seen the account. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { AxeBuilder } from '@axe-core/playwright';
import {
  BOB,
  bubble,
  CAROL,
  DESKTOP,
  openListed,
  openNew,
  row,
  say,
  snap,
  World,
  waitForState,
} from './harness.mjs';

let world;
before(async () => {
  world = await World.start();
});
after(async () => {
  await world.stop();
  assert.deepEqual(world.problems, []);
});

const mark = randomUUID().slice(0, 8);
const needsServer = () => world.mock && 'needs a real server';

/** The switch in the settings, in this language. */
async function historySwitch(page, name) {
  await page.getByTestId('settings').click();
  const keep = page.getByRole('switch', { name });
  await keep.waitFor();
  return keep;
}

/** What the bubbles of this story say, in order. */
function texts(page) {
  return page
    .getByTestId('bubble')
    .filter({ hasText: mark })
    .evaluateAll((bubbles) => bubbles.map((one) => one.textContent.match(/(\w+) [0-9a-f]{8}/)[1]));
}

test('a browser that has never seen the account gets what was said', async (context) => {
  if (needsServer()) return context.skip(needsServer());
  const near = await world.context({ viewport: DESKTOP });
  const carol = await world.handset(near, CAROL);
  const keep = await historySwitch(carol, 'Keep history on the server');
  assert.equal(await keep.isChecked(), false, 'nobody’s history is kept unasked');
  await keep.click();
  await carol.locator('.toast').filter({ hasText: 'kept from now on' }).waitFor();
  assert.equal(await keep.isChecked(), true);
  await snap(carol, 'history-settings');
  const { violations } = await new AxeBuilder({ page: carol }).analyze();
  assert.deepEqual(
    violations.map(({ id }) => id),
    [],
  );
  await carol.keyboard.press('Escape');

  const far = await world.context();
  const bob = await world.handset(far, BOB);
  await openNew(carol, BOB);
  await say(carol, `first ${mark}`);
  await waitForState(carol, `first ${mark}`, 'delivered', 'displayed');
  await openListed(bob, `tel:${CAROL}`);
  await say(bob, `second ${mark}`);
  await bubble(carol, `second ${mark}`, 'in').waitFor();
  await say(carol, `third ${mark}`);
  await waitForState(carol, `third ${mark}`, 'displayed');
  await near.close();

  const other = await world.context({ locale: 'zh-CN', viewport: DESKTOP });
  const again = await world.handset(other, CAROL);
  await openListed(again, `tel:${BOB}`);
  await waitForState(again, `third ${mark}`, 'displayed');
  await bubble(again, `first ${mark}`, 'out').waitFor();
  assert.deepEqual(await texts(again), ['first', 'second', 'third']);
  await snap(again, 'history-filled');
  // What comes now comes once, and after the rest.
  await say(bob, `fourth ${mark}`);
  await bubble(again, `fourth ${mark}`, 'in').waitFor();
  await again.reload();
  await bubble(again, `fourth ${mark}`, 'in').waitFor();
  assert.deepEqual(await texts(again), ['first', 'second', 'third', 'fourth']);

  // Off: the server has nothing more, and this device keeps what it has.
  const off = await historySwitch(again, '在服务器上保存消息记录');
  assert.equal(await off.isChecked(), true);
  await off.click();
  await again.getByTestId('consent').click();
  await again.locator('.toast').filter({ hasText: '已删除' }).waitFor();
  assert.deepEqual(await texts(again), ['first', 'second', 'third', 'fourth']);
  await other.close();

  const last = await world.context();
  const empty = await world.handset(last, CAROL);
  const state = await historySwitch(empty, 'Keep history on the server');
  assert.equal(await state.isChecked(), false);
  assert.equal(await row(empty, `tel:${BOB}`).filter({ hasText: mark }).count(), 0);
  await last.close();
  await far.close();
});
