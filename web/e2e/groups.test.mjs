/** A group from its making to its end, with a real conference focus. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import {
  ALICE,
  BOB,
  bubble,
  CAROL,
  DAVE,
  DESKTOP,
  openMenu,
  passesAxe,
  picture,
  say,
  snap,
  useWorld,
  waitForState,
} from './harness.mjs';

const skip = !process.env.HONGYAN_URL && 'needs a real server';

const world = useWorld({ skip });

const mark = randomUUID().slice(0, 8);

/** Makes a group of these numbers and stays in its conversation. */
async function makeGroup(page, subject, numbers) {
  await page.getByTestId('new-conversation').click();
  await page.getByTestId('new-group').click();
  await page.getByTestId('group-subject').fill(subject);
  for (const number of numbers) {
    await page.getByTestId('member-number').fill(number);
    await page.getByTestId('member-number').press('Enter');
  }
  await snap(page, 'group-new');
  await passesAxe(page);
  await page.getByTestId('create-group').click();
  await page.getByTestId('composer').waitFor();
}

async function openGroup(page, subject) {
  await page.getByTestId('conversation').filter({ hasText: subject }).click();
  await page.getByTestId('composer').waitFor();
}

function event(page, text) {
  return page.getByTestId('event').filter({ hasText: text });
}

const fine = (number) => `+86 ${number.slice(3, 6)} ${number.slice(6, 10)} ${number.slice(10)}`;

test('a group is made, talks, is renamed, grows, shrinks and is left', { skip }, async () => {
  const [alice, bob, carol, dave] = await world.handsets([ALICE, BOB, CAROL, DAVE], { apart: true });
  const subject = `Weekend ${mark}`;
  await makeGroup(alice, subject, [BOB, CAROL]);
  await event(alice, 'You created the group').waitFor();
  await event(alice, `${fine(BOB)} joined`).waitFor();
  await event(alice, `${fine(CAROL)} joined`).waitFor();
  await openGroup(bob, subject);
  await event(bob, `${fine(ALICE)} brought you into the group`).waitFor();
  await openGroup(carol, subject);

  const text = `who is in? ${mark}`;
  await say(alice, text);
  await bubble(bob, text, 'in')
    .filter({ hasText: fine(ALICE) })
    .waitFor();
  await bubble(carol, text, 'in').waitFor();
  // Two ticks of colour when everybody has seen it.
  await waitForState(alice, text, 'displayed');
  await openMenu(alice, text, 'out');
  await alice.getByTestId('message-details').click();
  const details = alice.getByTestId('details');
  for (const number of [BOB, CAROL]) {
    await details
      .getByRole('listitem')
      .filter({ hasText: 'Read' })
      .filter({ hasText: fine(number) })
      .waitFor();
  }
  await alice.keyboard.press('Escape');

  await say(bob, `me! ${mark}`);
  await bubble(alice, `me! ${mark}`, 'in')
    .filter({ hasText: fine(BOB) })
    .waitFor();
  await openMenu(carol, `me! ${mark}`, 'in');
  await carol.getByRole('button', { name: 'React with 👍' }).click();
  await bob.getByTestId('reaction').filter({ hasText: '👍' }).waitFor();
  await alice.getByTestId('reaction').filter({ hasText: '👍' }).waitFor();
  await openMenu(bob, `me! ${mark}`, 'out');
  await bob.getByTestId('message-edit').click();
  await bob.getByTestId('edit-bar').waitFor();
  await say(bob, `me too! ${mark}`);
  for (const page of [alice, carol])
    await bubble(page, `me too! ${mark}`, 'in').getByTestId('edited').waitFor();
  await snap(alice, 'group-chat');
  await passesAxe(alice);

  await carol.getByTestId('profile').click();
  const renamed = `Hiking ${mark}`;
  await carol.getByTestId('group-subject').fill(renamed);
  await carol.getByRole('button', { name: 'Save' }).click();
  await event(alice, `called “${renamed}”`).waitFor();
  await carol.keyboard.press('Escape');

  await alice.getByTestId('profile').click();
  await alice.getByTestId('add-member').click();
  await alice.getByTestId('member-number').fill(DAVE);
  await alice.getByTestId('member-number').press('Enter');
  await alice
    .getByTestId('member')
    .filter({ hasText: fine(DAVE) })
    .waitFor();
  await snap(alice, 'group-profile');
  await passesAxe(alice);
  await openGroup(dave, renamed);
  await event(bob, `${fine(DAVE)} joined`).waitFor();
  await alice.getByRole('button', { name: `Remove ${fine(DAVE)} from the group` }).click();
  await event(dave, 'You were removed').waitFor();
  await dave.getByText('You are no longer in this group').waitFor();
  await alice.keyboard.press('Escape');
  await event(alice, `${fine(DAVE)} is no longer in the group`).waitFor();

  await bob.getByTestId('profile').click();
  await bob.getByTestId('leave-group').click();
  await bob.getByTestId('consent').click();
  await event(bob, 'You left the group').waitFor();
  await event(alice, `${fine(BOB)} is no longer in the group`).waitFor();
  await say(alice, `just us two ${mark}`);
  await bubble(carol, `just us two ${mark}`, 'in').waitFor();
  assert.equal(await bubble(bob, `just us two ${mark}`, 'in').count(), 0);
});

/** The picture of a group is shown, from its link: its width and its colour in the middle. */
async function shownPicture(locator) {
  const image = locator.locator('img.avatar');
  await image.waitFor();
  return image.evaluate(async (image) => {
    await image.decode();
    const canvas = document.createElement('canvas');
    [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
    const context = canvas.getContext('2d');
    context.drawImage(image, 0, 0);
    const [red, green, blue] = context.getImageData(canvas.width / 2, canvas.height - 2, 1, 1).data;
    return { width: image.naturalWidth, red, green, blue };
  });
}

test('a group gets a picture, another one, and none', { skip }, async () => {
  const [alice, bob] = await world.handsets([ALICE, BOB], { apart: true });
  const subject = `Pictured ${mark}`;
  await makeGroup(alice, subject, [BOB]);
  await event(alice, `${fine(BOB)} joined`).waitFor();
  const row = bob.getByTestId('conversation').filter({ hasText: subject });
  await row.waitFor();

  await alice.getByTestId('profile').click();
  const choose = async (page, buffer) => {
    const chooser = page.waitForEvent('filechooser');
    await page.getByTestId('set-picture').click();
    await (await chooser).setFiles({ name: 'us.png', mimeType: 'image/png', buffer });
  };
  await choose(alice, await picture(alice, { hue: 0 }));
  const own = await shownPicture(alice.getByTestId('group'));
  assert.ok(own.width <= 256, 'made small by the server');
  assert.ok(own.red > own.blue, `red: ${JSON.stringify(own)}`);
  await snap(alice, 'group-picture');
  await passesAxe(alice);

  // Bob sees it in the list, in the conversation, and who it was.
  const seen = await shownPicture(row);
  assert.ok(seen.red > seen.blue);
  await openGroup(bob, subject);
  await event(bob, `${fine(ALICE)} changed the group’s picture`).waitFor();
  await shownPicture(bob.getByTestId('profile'));

  await bob.getByTestId('profile').click();
  await choose(bob, await picture(bob, { hue: 200 }));
  await event(alice, `${fine(BOB)} changed the group’s picture`).waitFor({ state: 'attached' });
  const next = await shownPicture(alice.getByTestId('group'));
  assert.ok(next.blue > next.red, `blue: ${JSON.stringify(next)}`);
  await alice.getByTestId('remove-picture').click();
  await alice.getByTestId('remove-picture').waitFor({ state: 'detached' });
  await event(bob, `${fine(ALICE)} removed the group’s picture`).waitFor({ state: 'attached' });
  await bob.getByTestId('group').locator('img.avatar').waitFor({ state: 'detached' });

  // What is no picture is said to be none before anything is sent.
  const chooser = bob.waitForEvent('filechooser');
  await bob.getByTestId('set-picture').click();
  await (await chooser).setFiles({ name: 'x.png', mimeType: 'image/png', buffer: Buffer.from('no') });
  await bob.getByText('This picture can’t be read').waitFor();
});

test('a group is still there after a reload, and what was missed comes in', { skip }, async () => {
  const [alice] = await world.handsets([ALICE], { viewport: DESKTOP, colorScheme: 'dark' });
  const [bob] = await world.handsets([BOB]);
  const subject = `Later ${mark}`;
  await makeGroup(alice, subject, [BOB]);
  await openGroup(bob, subject);
  const bobsBrowser = bob.context();
  await bob.close();
  await say(alice, `missed ${mark}`);
  await waitForState(alice, `missed ${mark}`, 'sent');
  const back = await world.handset(bobsBrowser, BOB);
  await openGroup(back, subject);
  await bubble(back, `missed ${mark}`, 'in').waitFor();
  await waitForState(alice, `missed ${mark}`, 'displayed');
  await alice.reload();
  await alice.getByTestId('composer').waitFor();
  await alice.getByText('2 members').waitFor();
  await say(back, `here I am ${mark}`);
  await bubble(alice, `here I am ${mark}`, 'in').waitFor();
  await snap(alice, 'group-dark');
  await passesAxe(alice);
});
