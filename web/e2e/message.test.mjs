/** What can be done with a message: answering, reacting, looking closely, copying, deleting, finding again. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import {
  ALICE,
  BOB,
  bubble,
  bubbleRow,
  bubbles,
  DESKTOP,
  eventually,
  openListed,
  openMenu,
  openNew,
  passesAxe,
  say,
  snap,
  useWorld,
  waitForCount,
  waitForState,
} from './harness.mjs';

const world = useWorld();

const mark = randomUUID().slice(0, 8);

for (const colorScheme of ['light', 'dark']) {
  test(`a reply quotes what it answers, and reactions come and go (${colorScheme})`, async () => {
    const [alice, bob] = await world.handsets([ALICE, BOB], { colorScheme });
    const question = `dinner at eight? ${mark} ${colorScheme}`;
    await openNew(alice, BOB);
    await say(alice, question);
    await openListed(bob, `tel:${ALICE}`);
    await bubble(bob, question, 'in').waitFor();

    await openMenu(bob, question, 'in');
    await bob.getByRole('button', { name: 'React with 👍' }).waitFor();
    await snap(bob, `message-menu-${colorScheme}`);
    await passesAxe(bob);
    await bob.getByTestId('message-reply').click();
    await bob.getByTestId('reply-bar').filter({ hasText: question }).waitFor();
    await snap(bob, `message-replying-${colorScheme}`);
    await say(bob, `gladly ${mark}`);
    await bob.getByTestId('reply-bar').waitFor({ state: 'detached' });
    const reply = bubble(alice, `gladly ${mark}`, 'in');
    await reply.getByTestId('quote').filter({ hasText: question }).waitFor();
    await reply.getByTestId('quote').filter({ hasText: 'You' }).waitFor();

    await openMenu(bob, question, 'in');
    await bob.getByRole('button', { name: 'React with ❤️' }).click();
    const onAlice = bubbleRow(alice, question, 'out');
    await onAlice.getByTestId('reaction').filter({ hasText: '❤️' }).waitFor();
    await openMenu(bob, question, 'in');
    await bob.getByRole('button', { name: 'More emoji' }).click();
    await bob.getByRole('button', { name: 'React with 🎉' }).click();
    await onAlice.getByTestId('reaction').filter({ hasText: '🎉' }).waitFor();
    // One mark for each person.
    await waitForCount(onAlice.getByTestId('reaction'), 1);
    await openMenu(alice, question, 'out');
    await alice.getByRole('button', { name: 'More emoji' }).click();
    await alice.getByRole('button', { name: 'React with 🎉' }).click();
    await onAlice.getByRole('button', { name: /🎉 by .*0002, You|🎉 by You/ }).waitFor();
    await snap(alice, `message-reactions-${colorScheme}`);
    await passesAxe(alice);
    const onBob = bubbleRow(bob, question, 'in');
    await onBob.getByTestId('reaction').filter({ hasText: '2' }).waitFor();
    // A tap takes the own one back.
    await onBob.getByTestId('reaction').click();
    await onAlice.getByTestId('reaction').filter({ hasNotText: '2' }).waitFor();
    await alice.reload();
    await onAlice.getByTestId('reaction').waitFor();
  });
}

test('words are changed after they were sent, for who is there and for who comes later', async () => {
  const [alice, bob] = await world.handsets([ALICE, BOB]);
  const at = (time) => `see you at ${time} ${mark}`;
  await openNew(alice, BOB);
  await say(alice, at('seven'));
  await openListed(bob, `tel:${ALICE}`);
  await bubble(bob, at('seven'), 'in').waitFor();
  await waitForState(alice, at('seven'), 'displayed');

  await alice.getByTestId('composer').fill('and something else');
  await openMenu(alice, at('seven'), 'out');
  await snap(alice, 'message-menu-own');
  await alice.getByTestId('message-edit').click();
  await alice
    .getByTestId('edit-bar')
    .filter({ hasText: at('seven') })
    .waitFor();
  const words = () => alice.getByTestId('composer').inputValue();
  await eventually(words, (text) => text === at('seven'), 'the words to change');
  await snap(alice, 'message-editing');
  await passesAxe(alice);
  await say(alice, at('eight'));
  await alice.getByTestId('edit-bar').waitFor({ state: 'detached' });
  await eventually(words, (text) => text === 'and something else', 'what was being written before');
  await bubble(alice, at('eight'), 'out').getByTestId('edited').waitFor();
  await bubble(bob, at('eight'), 'in').getByTestId('edited').waitFor();
  await waitForCount(bubble(bob, at('seven'), 'in'), 0);
  await bob.getByTestId('composing').waitFor({ state: 'detached' });
  await snap(bob, 'message-edited');
  await openMenu(bob, at('eight'), 'in');
  await bob.getByTestId('message-copy').waitFor();
  assert.equal(await bob.getByTestId('message-edit').count(), 0, 'only its author may');

  const bobsBrowser = bob.context();
  await bob.close();
  await say(alice, `or not ${mark}`);
  await waitForState(alice, `or not ${mark}`, 'sent');
  for (const [from, to] of [
    [at('eight'), at('nine')],
    [`or not ${mark}`, `better not ${mark}`],
    [at('nine'), at('ten')],
  ]) {
    await openMenu(alice, from, 'out');
    await alice.getByTestId('message-edit').click();
    await alice.getByTestId('edit-bar').waitFor();
    await say(alice, to);
    await bubble(alice, to, 'out').waitFor();
  }
  const back = await world.handset(bobsBrowser, BOB);
  await openListed(back, `tel:${ALICE}`);
  await bubble(back, `better not ${mark}`, 'in').getByTestId('edited').waitFor();
  await bubble(back, at('ten'), 'in').getByTestId('edited').waitFor();
  for (const page of [alice, back]) {
    await page.reload();
    await page.getByTestId('composer').waitFor();
    await page.getByTestId('edited').nth(1).waitFor();
    const shown = await bubbles(page, page === alice ? 'out' : 'in').evaluateAll((all) =>
      all.map((one) => one.querySelector('.text').textContent),
    );
    assert.deepEqual(shown, [at('ten'), `better not ${mark}`]);
  }
});

test('a message tells its ids and its way, is copied, and is deleted here only', async () => {
  const [alice, bob] = await world.handsets([ALICE, BOB], {
    permissions: ['clipboard-read', 'clipboard-write'],
  });
  await openNew(alice, BOB);
  const text = `remember me ${mark}`;
  await say(alice, text);
  await openListed(bob, `tel:${ALICE}`);
  await waitForState(alice, text, 'displayed');
  const id = await bubble(alice, text, 'out').getAttribute('data-message-id');

  await openMenu(alice, text, 'out');
  await alice.getByTestId('message-copy').click();
  await eventually(
    () => alice.evaluate(() => navigator.clipboard.readText()),
    (copied) => copied === text,
    'the clipboard',
  );
  await openMenu(alice, text, 'out');
  await alice.getByTestId('message-details').click();
  const details = alice.getByTestId('details');
  await details.getByText(id).waitFor();
  for (const step of ['Sent', 'Delivered', 'Read'])
    await details.getByRole('listitem').filter({ hasText: step }).waitFor();
  await snap(alice, 'message-details');
  await passesAxe(alice);
  await alice.keyboard.press('Escape');

  await openMenu(alice, text, 'out');
  await alice.getByTestId('message-delete').click();
  await bubble(alice, text, 'out').waitFor({ state: 'detached' });
  await alice.reload();
  await alice.getByTestId('composer').waitFor();
  assert.equal(await bubble(alice, text, 'out').count(), 0);
  await bubble(bob, text, 'in').waitFor();
});

test('a finger that stays on a message opens its menu', async () => {
  const [alice] = await world.handsets([ALICE], { hasTouch: true, isMobile: true });
  await openNew(alice, BOB);
  const text = `press and hold ${mark}`;
  await say(alice, text);
  // Its tick comes and the log scrolls: a finger meets it when it has come to rest.
  await waitForState(alice, text, 'sent', 'delivered', 'displayed');
  await bubble(alice, text, 'out').tap({ trial: true });
  const box = await bubble(alice, text, 'out').boundingBox();
  const at = { x: box.x + 20, y: box.y + 15 };
  const session = await alice.context().newCDPSession(alice);
  await session.send('Input.dispatchTouchEvent', { type: 'touchStart', touchPoints: [at] });
  await alice.getByTestId('message-copy').waitFor();
  await session.send('Input.dispatchTouchEvent', { type: 'touchEnd', touchPoints: [] });
});

test('words are found in all conversations and in one, and lead to where they were said', async () => {
  const [alice] = await world.handsets([ALICE], { viewport: DESKTOP });
  await openNew(alice, BOB);
  const word = `needle${mark}`;
  await say(alice, `the first ${word} of two`);
  for (let i = 0; i < 24; i++) await say(alice, `straw ${i} ${mark}`);
  await say(alice, `the second ${word.toUpperCase()} here`);
  await bubble(alice, 'the second', 'out').waitFor();

  await alice.getByTestId('search').fill(word);
  const hits = alice.getByTestId('hit');
  await waitForCount(hits, 2);
  await snap(alice, 'search-all');
  await passesAxe(alice);
  await hits.nth(1).click();
  const first = bubble(alice, 'the first', 'out');
  await first.locator('mark').filter({ hasText: word }).waitFor();
  await eventually(
    () => first.evaluate((element) => element.getBoundingClientRect()),
    ({ top, bottom }) => top > 0 && bottom < DESKTOP.height,
    'the hit on screen',
  );
  await alice.getByTestId('search').fill('');

  await alice.getByTestId('find-open').click();
  await alice.getByTestId('find').fill(word);
  await alice.getByText('1 of 2').waitFor();
  await bubble(alice, 'the second', 'out').locator('mark').waitFor();
  await alice.getByTestId('find').press('Enter');
  await alice.getByText('2 of 2').waitFor();
  await first.locator('mark').waitFor();
  await snap(alice, 'search-one');
  await passesAxe(alice);
  await alice.getByTestId('find').press('Escape');
  await alice.getByTestId('find').waitFor({ state: 'detached' });
  await alice.getByTestId('search').fill('nowhere-to-be-found');
  await alice.getByText('No message found').waitFor();
});

test('a place goes as a text to whoever knows no pushed locations', {
  skip: process.env.HONGYAN_URL,
}, async () => {
  const [alice, bob] = await world.handsets([ALICE, BOB]);
  const share = async (label) => {
    await alice.getByTestId('attach').click();
    await alice.getByTestId('attach-location').click();
    await alice.getByTestId('location-label').fill(label);
    await alice.getByTestId('send-location').click();
    await bob.locator('[data-direction="in"]').filter({ hasText: label }).waitFor();
    return world.mock.relayed.findLast(
      (body) => body.includes(encodeURIComponent(label)) || body.includes(label),
    );
  };
  await openNew(alice, BOB);
  await alice.getByText('reachable now').waitFor();
  await say(alice, `where? ${mark}`);
  await openListed(bob, `tel:${ALICE}`);
  const text = await share(`here ${mark}`);
  assert.match(text, /text\/plain.*\bgeo:[\d.-]+,[\d.-]+.*;rcs-l=here/s);
  world.mock.tags = '+g.3gpp.iari-ref="urn%3Aurn-7%3A3gpp-application.ims.iari.rcs.geopush"';
  // What is known of him is asked for again after a reload.
  await alice.reload();
  await alice.getByText('reachable now').waitFor();
  const pushed = await share(`there ${mark}`);
  assert.match(pushed, /rcspushlocation\+xml/);
});
