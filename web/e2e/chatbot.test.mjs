/** Cards, carousels, chips and every action, with the scripted chatbot of the mock. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ALICE, bubble, DESKTOP, openNew, say, snap, World, waitForState } from './harness.mjs';

// A real server has no such chatbot.
const skip = process.env.HONGYAN_URL !== undefined;

let world;
before(async () => {
  if (!skip) world = await World.start();
});
after(async () => {
  await world?.stop();
  assert.deepEqual(world?.problems ?? [], []);
});

async function withRail(options) {
  const context = await world.context({ locale: 'zh-CN', ...options });
  const page = await world.handset(context, ALICE);
  await openNew(page, '12306');
  return { context, page };
}

test('the first conversation starts with the profile and a hello', { skip }, async () => {
  const { context, page } = await withRail();
  await page.getByRole('heading', { level: 2, name: '12306 铁路' }).waitFor();
  await snap(page, 'bot-hero');
  await page.getByTestId('start').click();
  await bubble(page, 'new_bot_user_initiation', 'in').waitFor();
  await waitForState(page, '开始', 'displayed');
  await snap(page, 'bot-started');
  await page.getByTestId('profile').click();
  await page.getByText('由 鸿雁 认证').waitFor();
  await snap(page, 'bot-profile');
  await context.close();
});

test('a chip sends its response, shows a bubble, and vanishes', { skip }, async () => {
  const { context, page } = await withRail();
  await page.getByTestId('start').click();
  await page.getByTestId('chip').filter({ hasText: '明天北京到上海' }).click();
  await page.getByTestId('chip').filter({ hasText: '明天北京到上海' }).waitFor({ state: 'detached' });
  await waitForState(page, '明天北京到上海', 'displayed');
  await page.getByTestId('chip').filter({ hasText: '更晚' }).waitFor();
  await page.getByTestId('card').nth(3).waitFor();
  assert.equal(await page.getByTestId('card').count(), 4);
  await snap(page, 'bot-carousel');
  await context.close();
});

test('a carousel moves by arrow buttons and by keys', { skip }, async () => {
  const { context, page } = await withRail({ viewport: { width: 820, height: 900 } });
  await say(page, 'search');
  const track = page.locator('.carousel-track');
  await track.waitFor();
  const left = () => track.evaluate((element) => element.scrollLeft);
  await page.getByRole('button', { name: '下一张卡片' }).click();
  await page.waitForFunction(() => document.querySelector('.carousel-track').scrollLeft > 100);
  const moved = await left();
  await track.focus();
  await track.press('ArrowLeft');
  await page.waitForFunction((from) => document.querySelector('.carousel-track').scrollLeft < from, moved);
  await context.close();
});

test('a card’s buttons stay, open the page, the calendar and the map', { skip }, async () => {
  const { context, page } = await withRail();
  await say(page, 'search');
  await page.getByRole('button', { name: '订二等座' }).first().click();
  await page.getByRole('heading', { name: '订单已保留 10 分钟' }).waitFor();
  await snap(page, 'bot-order');

  await page.getByRole('button', { name: '去支付' }).click();
  await page
    .frameLocator('[data-testid="webview"]')
    .getByRole('heading', { name: 'Sandbox payment' })
    .waitFor();
  await snap(page, 'bot-webview');
  await page.getByRole('button', { name: '关闭' }).click();
  await page.getByRole('button', { name: '去支付' }).waitFor();

  await page.getByRole('button', { name: '添加到日历' }).click();
  await snap(page, 'bot-calendar');
  const download = page.waitForEvent('download');
  await page.getByTestId('download-event').click();
  assert.match((await download).suggestedFilename(), /\.ics$/);
  await page.keyboard.press('Escape');

  await page.getByRole('button', { name: '车站位置' }).click();
  await page.getByRole('img', { name: /北京南站/ }).waitFor();
  await snap(page, 'bot-map');
  await page.keyboard.press('Escape');
  await page.getByTestId('map').waitFor({ state: 'detached' });
  await context.close();
});

test('every action does its work, and asks before it tells anything', { skip }, async () => {
  const { context, page } = await withRail({ viewport: DESKTOP });
  const chip = (name) => page.getByTestId('chip').filter({ hasText: new RegExp(`^${name}$`) });
  await say(page, 'all');
  await chip('浏览器').waitFor();
  await snap(page, 'bot-actions');

  const popup = page.waitForEvent('popup');
  await chip('浏览器').click();
  assert.match((await popup).url(), /\/pay$/);

  await chip('视频呼叫').click();
  assert.equal(await page.getByRole('link', { name: '呼叫' }).getAttribute('href'), 'tel:+8612306');
  await snap(page, 'bot-dial');
  await page.keyboard.press('Escape');

  await chip('地图').click();
  await page.getByText('查找“北京南站”').waitFor();
  await page.keyboard.press('Escape');

  await chip('录音').click();
  await page.getByRole('button', { name: '开始录制' }).click();
  await page.getByRole('button', { name: '停止' }).click();
  await page.getByTestId('send-recorded').waitFor();
  await page.keyboard.press('Escape');

  await chip('已读回执').click();
  await page.getByTestId('consent').click();

  await chip('位置').click();
  await page.getByLabel('选择城市').selectOption({ label: '上海' });
  await page.getByLabel('名称（可不填）').fill('外滩');
  await snap(page, 'bot-share-location');
  await page.getByTestId('send-location').click();
  await bubble(page, '外滩', 'out').waitFor();

  await say(page, 'all');
  await chip('设备').click();
  await snap(page, 'bot-device');
  await page.getByTestId('consent').click();
  await bubble(page, '已提供设备信息', 'out').waitFor();

  await say(page, 'all');
  await chip('显示号码').click();
  await page.getByRole('button', { name: '以后再说' }).click();
  assert.equal(await bubble(page, '显示号码', 'out').count(), 0);
  await chip('显示号码').click();
  await page.getByTestId('consent').click();
  await waitForState(page, '显示号码', 'displayed');

  await say(page, 'all');
  await chip('短信').click();
  await page.getByRole('heading', { level: 1, name: '+86 138 0000 0002' }).waitFor();
  assert.equal(await page.getByTestId('composer').inputValue(), '你好');
  await context.close();
});

test('the menu opens beside the composer, with its submenu', { skip }, async () => {
  const { context, page } = await withRail();
  await page.getByTestId('menu-button').click();
  await snap(page, 'bot-menu');
  await page.getByTestId('menu-entry').filter({ hasText: '更多' }).click();
  await page.getByTestId('menu-entry').filter({ hasText: '帮助' }).click();
  await waitForState(page, '帮助', 'displayed');
  await context.close();
});

test('all layouts of cards, and a picture that is missing', { skip }, async () => {
  for (const colorScheme of ['light', 'dark']) {
    const { context, page } = await withRail({ viewport: DESKTOP, colorScheme });
    await say(page, 'cards');
    await page.getByText('图片无法显示').waitFor();
    await snap(page, `bot-cards-${colorScheme}`);
    await context.close();
  }
});

test('a connection that is lost comes back by itself', { skip }, async () => {
  const { context, page } = await withRail();
  await say(page, 'before');
  await bubble(page, '“before”', 'in').waitFor();
  world.mock.dropAll();
  await say(page, 'after');
  await bubble(page, '“after”', 'in').waitFor();
  await context.close();
});
