/** Files: chosen, pasted and dropped, on their way, arrived, broken off, refused and expired. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import {
  ALICE,
  BOB,
  bubbles,
  CAROL,
  DESKTOP,
  eventually,
  openListed,
  openNew,
  PHONE,
  passesAxe,
  picture,
  row,
  say,
  snap,
  useWorld,
  waitForCount,
} from './harness.mjs';

const world = useWorld();

const mark = randomUUID().slice(0, 8);
const needsMock = () => !world.mock && 'needs the mock content server';

/** A short film in green, recorded in the page: `video/webm`. */
async function film(page) {
  const base64 = await page.evaluate(async () => {
    const canvas = document.createElement('canvas');
    canvas.width = 160;
    canvas.height = 120;
    const context = canvas.getContext('2d');
    const recorder = new MediaRecorder(canvas.captureStream(10), { mimeType: 'video/webm' });
    const chunks = [];
    recorder.ondataavailable = ({ data }) => data.size > 0 && chunks.push(data);
    const stopped = new Promise((resolve) => {
      recorder.onstop = resolve;
    });
    // Until something has been recorded, however long that takes.
    recorder.start(50);
    for (let frame = 0; frame < 12 || chunks.length < 2; frame++) {
      context.fillStyle = `hsl(${110 + (frame % 12)} 80% 40%)`;
      context.fillRect(0, 0, 160, 120);
      await new Promise(requestAnimationFrame);
    }
    recorder.stop();
    await stopped;
    const bytes = new Uint8Array(await new Blob(chunks).arrayBuffer());
    return btoa(String.fromCharCode(...bytes));
  });
  return Buffer.from(base64, 'base64');
}

async function choose(page, kind, files) {
  await page.getByTestId('attach').click();
  const chooser = page.waitForEvent('filechooser');
  await page.getByTestId(`attach-${kind}`).click();
  await (await chooser).setFiles(files);
  await page.getByTestId('attachment').first().waitFor();
}

/** The timer of a recording, once it shows at least so many seconds: a slow machine leaves some out. */
function timer(page, seconds) {
  return page.getByRole('timer').filter({ hasText: atLeast(seconds) });
}

function atLeast(seconds) {
  return new RegExp(`0:(?:0[${seconds}-9]|[1-5]\\d)|[1-9]:\\d\\d`);
}

/** The network has it. */
const arrived = '[data-state="sent"], [data-state="delivered"], [data-state="displayed"]';

test('a picture chosen by button is uploaded, arrives, and fills the screen', async () => {
  const [alice, bob] = await world.handsets([ALICE, BOB]);
  await openNew(alice, BOB);
  const name = `sunset-${mark}.png`;
  const bytes = await picture(alice);
  await choose(alice, 'photos', { name, mimeType: 'image/png', buffer: bytes });
  await snap(alice, 'files-chosen');
  await alice.getByTestId('send').click();
  const own = bubbles(alice, 'out').filter({
    has: alice.getByRole('button', { name: `Show ${name} full screen` }),
  });
  await own.and(alice.locator(arrived)).waitFor();

  await openListed(bob, `tel:${ALICE}`);
  const shown = bob.getByRole('button', { name: `Show ${name} full screen` });
  await shown.waitFor();
  await bob.waitForFunction(
    (name) => document.querySelector(`[aria-label*="${name}"] img`)?.naturalWidth > 0,
    name,
  );
  await snap(bob, 'files-picture');
  await shown.click();
  const viewer = bob.getByTestId('viewer');
  await viewer.getByRole('button', { name: 'Enlarge the picture' }).waitFor();
  await bob.waitForFunction(() => document.querySelector('.viewer img')?.naturalWidth === 800);
  await snap(bob, 'files-viewer');
  await passesAxe(bob);
  const download = bob.waitForEvent('download');
  await viewer.getByRole('link', { name: `Download ${name}` }).click();
  const saved = await (await download).createReadStream();
  const chunks = [];
  for await (const chunk of saved) chunks.push(chunk);
  assert.ok(Buffer.concat(chunks).equals(bytes), 'what arrives is what was sent');
  await bob.keyboard.press('Escape');
  await viewer.waitFor({ state: 'detached' });
});

test('pictures are leafed through by keys, and a video has a picture and plays where it is', async () => {
  const [alice, bob] = await world.handsets([ALICE, BOB], { viewport: DESKTOP, colorScheme: 'dark' });
  await openNew(alice, BOB);
  const pictures = await Promise.all([20, 120, 280].map((hue) => picture(alice, { hue, width: 300 + hue })));
  const files = pictures.map((buffer, i) => ({
    name: `leaf-${i}-${mark}.png`,
    mimeType: 'image/png',
    buffer,
  }));
  await choose(alice, 'photos', files);
  await snap(alice, 'files-three');
  await alice.getByTestId('send').click();
  await openListed(bob, `tel:${ALICE}`);
  const shown = (i) => bob.getByRole('button', { name: `Show leaf-${i}-${mark}.png full screen` });
  for (const i of [0, 1, 2]) await shown(i).waitFor();
  await shown(1).click();
  const width = (pixels) =>
    bob.waitForFunction((px) => document.querySelector('.viewer img')?.naturalWidth === px, pixels);
  await width(420);
  await snap(bob, 'files-viewer-desktop');
  await bob.keyboard.press('ArrowRight');
  await width(580);
  await bob.keyboard.press('ArrowLeft');
  await bob.getByRole('button', { name: 'Previous picture' }).click();
  await width(320);
  await bob.keyboard.press('Escape');

  const name = `film-${mark}.webm`;
  await choose(alice, 'file', { name, mimeType: 'video/webm', buffer: await film(alice) });
  await alice.getByTestId('send').click();
  await bob.waitForFunction(
    (name) => document.querySelector(`video[aria-label="${name}"]`)?.videoWidth === 160,
    name,
  );
  // Before it plays there is a picture of it, made where it was sent from: green, as the film is.
  const look = async (name) => {
    const { poster } = document.querySelector(`video[aria-label="${name}"]`);
    const picture = new Image();
    picture.src = poster;
    const problem = await picture.decode().then(
      () => '',
      (error) => String(error),
    );
    if (problem !== '') return { poster, problem };
    const context = document.createElement('canvas').getContext('2d');
    context.drawImage(picture, 0, 0);
    const [red, green, blue] = context.getImageData(80, 60, 1, 1).data;
    return { poster, width: picture.naturalWidth, red, green, blue };
  };
  await eventually(
    () => bob.evaluate(look, name),
    ({ width, red, green, blue }) => width === 160 && green > 150 && red < 100 && blue < 100,
    'a green picture of the film',
  );
  await snap(bob, 'files-video');
});

test('files are pasted and dropped, shown before they go, and can be taken out again', async () => {
  const [alice] = await world.handsets([ALICE], { viewport: DESKTOP });
  await openNew(alice, BOB);
  const give = (event, target, names) =>
    alice.evaluate(
      ({ event, target, names }) => {
        const data = new DataTransfer();
        for (const name of names) data.items.add(new File(['some text'], name, { type: 'text/plain' }));
        const init = { bubbles: true, cancelable: true };
        const made =
          event === 'paste'
            ? new ClipboardEvent(event, { ...init, clipboardData: data })
            : new DragEvent(event, { ...init, dataTransfer: data });
        document.querySelector(target).dispatchEvent(made);
      },
      { event, target, names },
    );
  await give('paste', 'textarea', [`pasted-${mark}.txt`]);
  await alice.getByText(`pasted-${mark}.txt`).waitFor();
  await give('dragenter', '.log', [`dropped-${mark}.txt`]);
  await alice.getByText('Drop files to add them').waitFor();
  await snap(alice, 'files-drop');
  await give('drop', '.log', [`dropped-${mark}.txt`, `unwanted-${mark}.txt`]);
  await alice.getByText('Drop files to add them').waitFor({ state: 'detached' });
  await alice.getByRole('button', { name: `Remove unwanted-${mark}.txt` }).click();
  await waitForCount(alice.getByTestId('attachment'), 2);
  await say(alice, `two files ${mark}`);
  for (const name of ['pasted', 'dropped']) {
    await bubbles(alice, 'out')
      .filter({ hasText: `${name}-${mark}.txt` })
      .and(alice.locator(arrived))
      .waitFor();
  }
  await bubbles(alice, 'out')
    .filter({ hasText: `two files ${mark}` })
    .and(alice.locator(arrived))
    .waitFor();
  const texts = await bubbles(alice, 'out').allInnerTexts();
  const place = (text) =>
    texts.findIndex((shown) => shown.includes(`${text}-${mark}`) || shown.includes(`${text} ${mark}`));
  assert.ok(
    place('pasted') < place('dropped') && place('dropped') < place('two files'),
    'in the order of choosing',
  );
  await snap(alice, 'files-cards');
});

test('an upload that breaks off goes on where it was, and one that is cancelled is gone', async (t) => {
  if (needsMock()) return t.skip(needsMock());
  const [alice] = await world.handsets([ALICE]);
  await openNew(alice, BOB);
  const { content } = world.mock;
  const buffer = Buffer.alloc(2_000_000, `0123456789-${mark}`);
  const name = `long-${mark}.bin`;
  content.breakAfterBytes = 600_000;
  content.log.length = 0;
  await choose(alice, 'file', { name, mimeType: 'application/octet-stream', buffer });
  await alice.getByTestId('send').click();
  await bubbles(alice, 'out').filter({ hasText: name }).and(alice.locator(arrived)).waitFor();
  assert.ok(content.log.includes('POST broken') && content.log.includes('PUT 200'), content.log.join(', '));
  const kept = [...content.blobs.values()].find((blob) => blob.name === name);
  assert.ok(kept.bytes.equals(buffer), 'both halves make the file');
  content.breakAfterBytes = undefined;

  await alice.context().setOffline(true);
  await alice.getByTestId('connection').waitFor();
  await choose(alice, 'file', { name: `never-${mark}.bin`, mimeType: 'application/pdf', buffer });
  await alice.getByTestId('send').click();
  await alice.getByTestId('upload').waitFor();
  await snap(alice, 'files-waiting');
  await alice.getByTestId('cancel-upload').click();
  await bubbles(alice, 'out')
    .filter({ hasText: `never-${mark}.bin` })
    .waitFor({ state: 'detached' });
});

test('a file that waits for the network survives a reload', async () => {
  const [alice] = await world.handsets([ALICE]);
  const name = `patient-${mark}.txt`;
  await openNew(alice, BOB);
  // The page itself still comes, the connection for messages doesn't.
  await alice.routeWebSocket(/\/sip$/, (socket) => socket.close());
  await alice.reload();
  await alice.getByTestId('composer').waitFor();
  await choose(alice, 'file', { name, mimeType: 'text/plain', buffer: Buffer.from(`kept ${mark}`) });
  await alice.getByTestId('send').click();
  await alice.getByTestId('upload').filter({ hasText: 'Waiting to upload' }).waitFor();
  await alice.close();

  const again = await world.handset(alice.context(), ALICE);
  await openListed(again, `tel:${BOB}`);
  await bubbles(again, 'out').filter({ hasText: name }).and(again.locator(arrived)).waitFor();
});

test('what is too large or unwanted is said in words', async (t) => {
  if (needsMock()) return t.skip(needsMock());
  const [alice] = await world.handsets([ALICE]);
  await openNew(alice, BOB);
  await alice.getByTestId('attach').click();
  const chooser = alice.waitForEvent('filechooser');
  await alice.getByTestId('attach-file').click();
  const buffer = Buffer.alloc(5 * 1024 * 1024, 'x');
  // The notice goes by itself.
  const told = alice.getByText('“huge.bin” is larger than 4 MB').waitFor();
  await (await chooser).setFiles({ name: 'huge.bin', mimeType: 'application/octet-stream', buffer });
  await told;

  world.mock.content.refuseWith = 415;
  const name = `strange-${mark}.exe`;
  await choose(alice, 'file', { name, mimeType: 'application/x-msdownload', buffer: Buffer.from('MZ') });
  await alice.getByTestId('send').click();
  const refused = bubbles(alice, 'out').filter({ hasText: name });
  await refused.filter({ hasText: 'doesn’t take files of this kind' }).waitFor();
  await snap(alice, 'files-refused');
  world.mock.content.refuseWith = undefined;
  await alice.getByTestId('retry').last().click();
  await refused.and(alice.locator(arrived)).waitFor();
});

test('a file whose time is over says so', async (t) => {
  if (needsMock()) return t.skip(needsMock());
  const [alice, carol] = await world.handsets([ALICE, CAROL]);
  await openNew(alice, CAROL);
  const { content } = world.mock;
  const before = content.until;
  content.until = () => new Date(Date.now() - 1000);
  const name = `gone-${mark}.txt`;
  await choose(alice, 'file', { name, mimeType: 'text/plain', buffer: Buffer.from('x') });
  await alice.getByTestId('send').click();
  await row(carol, `tel:${ALICE}`).waitFor();
  await openListed(carol, `tel:${ALICE}`);
  await bubbles(carol, 'in').filter({ hasText: name }).filter({ hasText: 'The file has expired' }).waitFor();
  content.until = before;
});

for (const colorScheme of ['light', 'dark']) {
  test(`a voice message is recorded, sent, heard and passes axe (${colorScheme})`, async () => {
    const [alice, bob] = await world.handsets([ALICE, BOB], {
      colorScheme,
      permissions: ['microphone'],
      viewport: PHONE,
    });
    await openNew(alice, BOB);
    await alice.getByTestId('record').click();
    await timer(alice, 2).waitFor();
    await snap(alice, `voice-recording-${colorScheme}`);
    await alice.getByTestId('send-recording').click();
    await bubbles(alice, 'out')
      .filter({ has: alice.getByTestId('voice') })
      .and(alice.locator(arrived))
      .last()
      .waitFor();

    await openListed(bob, `tel:${ALICE}`);
    const voice = bob.getByTestId('voice').last();
    await voice.getByText(atLeast(2)).waitFor();
    // The recording has been decoded when its bars are no longer all alike.
    await bob.waitForFunction(() => {
      const bars = [...document.querySelectorAll('.voice:last-of-type .waveform span')].map(
        (bar) => bar.style.height,
      );
      return new Set(bars).size > 3;
    });
    // It lasts two seconds: whoever looks afterwards may come too late.
    const heard = Promise.all([
      bob.locator('[data-testid="voice"][data-playing="true"]').waitFor(),
      bob.waitForFunction(() => document.querySelectorAll('.waveform .is-past').length > 2),
    ]);
    await voice.getByRole('button', { name: 'Play' }).click();
    await heard;
    await snap(bob, `voice-playing-${colorScheme}`);
    await passesAxe(bob);
  });
}

test('a recording can be thrown away, and one that is held is sent by letting go', async () => {
  const [alice] = await world.handsets([ALICE], { permissions: ['microphone'] });
  await openNew(alice, BOB);
  const before = await bubbles(alice, 'out').count();
  await alice.getByTestId('record').press('Enter');
  await timer(alice, 1).waitFor();
  await alice.getByRole('button', { name: 'Discard the recording' }).click();
  await alice.getByTestId('record').waitFor();

  await alice.getByTestId('record').hover();
  const button = await alice.getByTestId('record').boundingBox();
  await alice.mouse.down();
  await timer(alice, 1).waitFor();
  await alice.getByText('Let go to send, slide left to cancel').waitFor();
  await alice.mouse.move(button.x - 140, button.y + 20, { steps: 4 });
  await alice.mouse.up();
  await alice.getByTestId('record').waitFor();
  assert.equal(await bubbles(alice, 'out').count(), before);

  await alice.getByTestId('record').hover();
  await alice.mouse.down();
  await timer(alice, 1).waitFor();
  await alice.mouse.up();
  await bubbles(alice, 'out').and(alice.locator(arrived)).nth(before).waitFor();
});

test('a contact card of oneself, of somebody else and from a file is seen, kept, and written to', async () => {
  const [alice, bob] = await world.handsets([ALICE, BOB]);
  await openNew(alice, BOB);
  const share = async () => {
    await alice.getByTestId('attach').click();
    await alice.getByTestId('attach-contact').click();
  };
  await share();
  await passesAxe(alice);
  await alice.getByTestId('own-card').click();
  await openListed(bob, `tel:${ALICE}`);
  const cards = bob.locator('[data-direction="in"]').getByTestId('contact-card');
  await cards.filter({ hasText: ALICE }).waitFor();

  await share();
  const chooser = alice.waitForEvent('filechooser');
  await alice.getByTestId('card-file').click();
  const card = `BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Han ${mark}\r\nTEL;TYPE=CELL:+86 138 0000 0004\r\nTEL;TYPE=FAX:010-1\r\nEND:VCARD\r\n`;
  await (await chooser).setFiles({ name: 'han.vcf', mimeType: 'text/vcard', buffer: Buffer.from(card) });
  const han = cards.filter({ hasText: `Han ${mark}` });
  await han.waitFor();
  await snap(bob, 'contact-card');
  await han.click();
  const sheet = bob.getByTestId('contact');
  await sheet.getByText('Fax').waitFor();
  await passesAxe(bob);
  const download = bob.waitForEvent('download');
  await sheet.getByTestId('save-contact').click();
  const saved = await (await download).createReadStream();
  assert.equal((await saved.toArray()).join(''), card);
  await sheet.getByTestId('keep-name').click();
  await sheet.getByTestId('contact-number').first().click();
  // The conversation with them, under the name that was kept.
  await bob
    .getByTestId('profile')
    .filter({ hasText: `Han ${mark}` })
    .waitFor();

  await share();
  const wrong = alice.waitForEvent('filechooser');
  await alice.getByTestId('card-file').click();
  await (await wrong).setFiles({ name: 'x.vcf', mimeType: 'text/vcard', buffer: Buffer.from('nobody') });
  await alice.getByText('There is no contact card in this file').waitFor();
});
