/** The pages beside the handset: the interfaces for reading, and the card checker. Needs a real server in HONGYAN_URL. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DESKTOP, PHONE, passesAxe, snap, useWorld } from './harness.mjs';

// The mock has neither.
const skip = process.env.HONGYAN_URL === undefined;
const world = useWorld({ skip });

async function open(path, options) {
  const page = await world.watched(await world.context(options));
  await page.goto(`${world.url}${path}`);
  return page;
}

for (const [layout, viewport] of Object.entries({ phone: PHONE, desktop: DESKTOP })) {
  test(`every call can be read and found in /docs/ (${layout})`, { skip }, async () => {
    const page = await open('/docs/', { viewport });
    const calls = page.getByTestId('call');
    await calls.first().waitFor();
    assert.ok((await calls.count()) > 40);
    await snap(page, `docs-${layout}`);
    await passesAxe(page);
    await page.getByRole('searchbox').fill('card check');
    await page.locator('#postToolsV1CardsCheck').getByText('At most 256 KiB').waitFor();
    await page.waitForFunction(() => document.querySelectorAll('[data-testid="call"]').length < 5);
  });
}

for (const colorScheme of ['light', 'dark']) {
  test(`a card is shown as the handset shows it, and judged (${colorScheme})`, { skip }, async () => {
    const page = await open('/tools/card/', { viewport: DESKTOP, colorScheme });
    await page.getByTestId('card').getByText('G1 北京南 → 上海虹桥').waitFor();
    await page.getByTestId('good').waitFor();
    await page.getByRole('button', { name: '订二等座' }).click();
    await page.getByRole('status').getByText('订二等座').waitFor();
    await passesAxe(page);
    const json = page.getByLabel('JSON');
    const long = '长'.repeat(231);
    await json.fill((await json.inputValue()).replace('G1 北京南 → 上海虹桥', long));
    const finding = page.getByTestId('finding').filter({ hasText: '231 > 200' });
    await finding.getByText('Shorten it to at most 200 characters.').waitFor();
    await finding.getByRole('button').click();
    const selected = await json.evaluate((area) =>
      area.value.slice(area.selectionStart, area.selectionStart + 7),
    );
    assert.equal(selected, '"title"');
    await snap(page, `card-checker-${colorScheme}`);
    await passesAxe(page);
    await json.fill('{');
    await page.getByTestId('finding').filter({ hasText: 'not JSON' }).waitFor();
  });
}
