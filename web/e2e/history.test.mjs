/** The history that the server keeps: turned on by its owner, it fills a browser that has never seen the account. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import {
  BOB,
  bubble,
  CAROL,
  DESKTOP,
  eventually,
  openListed,
  openNew,
  passesAxe,
  row,
  say,
  snap,
  useWorld,
  waitForCount,
  waitForState,
} from './harness.mjs';

const world = useWorld();

const mark = randomUUID().slice(0, 8);
const needsServer = () => world.mock && 'needs a real server';

/** The switch in the settings, in this language. */
async function historySwitch(page, name) {
  await page.getByTestId('settings').click();
  const keep = page.getByRole('switch', { name });
  await keep.waitFor();
  return keep;
}

/** Waits until the bubbles of this story say this, in this order. */
async function says(page, words) {
  const texts = () =>
    page
      .getByTestId('bubble')
      .filter({ hasText: mark })
      .evaluateAll((found) => found.map((one) => one.textContent.match(/(\w+) [0-9a-f]{8}/)[1]));
  await eventually(texts, (found) => found.join() === words.join(), words.join());
}

test('a browser that has never seen the account gets what was said', async (t) => {
  if (needsServer()) return t.skip(needsServer());
  const near = await world.context({ viewport: DESKTOP });
  const carol = await world.handset(near, CAROL);
  const keep = await historySwitch(carol, 'Keep history on the server');
  assert.equal(await keep.isChecked(), false, 'nobody’s history is kept unasked');
  await keep.click();
  await carol.locator('.toast').filter({ hasText: 'kept from now on' }).waitFor();
  await eventually(
    () => keep.isChecked(),
    (isOn) => isOn,
    'the switch is on',
  );
  await snap(carol, 'history-settings');
  await passesAxe(carol);
  await carol.keyboard.press('Escape');

  const [bob] = await world.handsets([BOB]);
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
  await waitForState(again, `third ${mark}`, 'delivered', 'displayed');
  await says(again, ['first', 'second', 'third']);
  await snap(again, 'history-filled');
  // What comes now comes once, and after the rest.
  await say(bob, `fourth ${mark}`);
  await bubble(again, `fourth ${mark}`, 'in').waitFor();
  await again.reload();
  await says(again, ['first', 'second', 'third', 'fourth']);

  // Off: the server has nothing more, and this device keeps what it has.
  const off = await historySwitch(again, '在服务器上保存消息记录');
  await eventually(
    () => off.isChecked(),
    (isOn) => isOn,
    'the switch is on',
  );
  await off.click();
  await again.getByTestId('consent').click();
  await again.locator('.toast').filter({ hasText: '已删除' }).waitFor();
  await says(again, ['first', 'second', 'third', 'fourth']);
  await other.close();

  const [empty] = await world.handsets([CAROL]);
  const state = await historySwitch(empty, 'Keep history on the server');
  assert.equal(await state.isChecked(), false);
  await waitForCount(row(empty, `tel:${BOB}`).filter({ hasText: mark }), 0);
});
