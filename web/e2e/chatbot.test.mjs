/** Cards, carousels, chips and every action, with the scripted chatbot of the mock. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  ALICE,
  bubble,
  bubbles,
  DESKTOP,
  eventually,
  openNew,
  say,
  snap,
  useWorld,
  waitForCount,
  waitForState,
} from './harness.mjs';

// A real server has no such chatbot.
const skip = process.env.HONGYAN_URL !== undefined;

const world = useWorld({ skip });

async function withRail(options) {
  const [page] = await world.handsets([ALICE], { locale: 'zh-CN', ...options });
  await openNew(page, '12306');
  return page;
}

test('the first conversation starts with the profile and a hello', { skip }, async () => {
  const page = await withRail();
  await page.getByRole('heading', { level: 2, name: '12306 铁路' }).waitFor();
  await snap(page, 'bot-hero');
  await page.getByTestId('start').click();
  await bubble(page, 'new_bot_user_initiation', 'in').waitFor();
  await waitForState(page, '开始', 'displayed');
  await snap(page, 'bot-started');
  await page.getByTestId('profile').click();
  await page.getByText('由 鸿雁 认证').waitFor();
  await snap(page, 'bot-profile');
});

test('a chip sends its response, shows a bubble, and vanishes', { skip }, async () => {
  const page = await withRail();
  await page.getByTestId('start').click();
  await page.getByTestId('chip').filter({ hasText: '明天北京到上海' }).click();
  await page.getByTestId('chip').filter({ hasText: '明天北京到上海' }).waitFor({ state: 'detached' });
  await waitForState(page, '明天北京到上海', 'displayed');
  await page.getByTestId('chip').filter({ hasText: '更晚' }).waitFor();
  await waitForCount(page.getByTestId('card'), 4);
  await snap(page, 'bot-carousel');
});

test('a carousel moves by arrow buttons and by keys', { skip }, async () => {
  const page = await withRail({ viewport: { width: 820, height: 900 } });
  await say(page, 'search');
  const track = page.locator('.carousel-track');
  await track.waitFor();
  // A step that begins while the one before is under way starts from there.
  const standsAt = (card) =>
    page.waitForFunction((index) => {
      const row = document.querySelector('.carousel-track');
      const start = row.firstElementChild.getBoundingClientRect().left + row.scrollLeft;
      const left = row.children[index].getBoundingClientRect().left;
      return Math.abs(left - start) < 2;
    }, card);
  await page.getByRole('button', { name: '下一张卡片' }).click();
  await standsAt(1);
  await track.press('ArrowLeft');
  await standsAt(0);
});

test('a card’s buttons stay, open the page, the calendar and the map', { skip }, async () => {
  const page = await withRail();
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
});

test('every action does its work, and asks before it tells anything', { skip }, async () => {
  const page = await withRail({ viewport: DESKTOP });
  const chip = (name) => page.getByTestId('chip').filter({ hasText: new RegExp(`^${name}$`) });
  await say(page, 'all');
  await chip('浏览器').waitFor();
  await snap(page, 'bot-actions');

  const popup = page.waitForEvent('popup');
  await chip('浏览器').click();
  await (await popup).waitForURL(/\/pay$/);
  // A page behind another draws a picture every two seconds.
  await (await popup).close();

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
  await eventually(
    () => page.getByTestId('composer').inputValue(),
    (draft) => draft === '你好',
    'the draft',
  );
});

test('the menu opens beside the composer, with its submenu', { skip }, async () => {
  const page = await withRail();
  await page.getByTestId('menu-button').click();
  await snap(page, 'bot-menu');
  await page.getByTestId('menu-entry').filter({ hasText: '更多' }).click();
  await page.getByTestId('menu-entry').filter({ hasText: '帮助' }).click();
  await waitForState(page, '帮助', 'displayed');
});

test('a chatbot is found by what it does, opened, and its menu is there', { skip }, async () => {
  const [page] = await world.handsets([ALICE], { locale: 'zh-CN' });
  await page.getByTestId('new-conversation').click();
  await page.getByTestId('new-address').fill('改签');
  const service = page.getByTestId('service').filter({ hasText: '12306' });
  await service.getByRole('img', { name: '已认证' }).waitFor();
  await snap(page, 'directory-found');
  await page.getByTestId('new-address').fill('潜水');
  await page.getByText('没有找到这样的服务号').waitFor();
  await page.getByTestId('new-address').fill('改签');
  await service.click();
  await page.getByTestId('menu-button').click();
  await page.getByTestId('menu-entry').filter({ hasText: '更多' }).waitFor();
});

test('a link opens the conversation with a text that is not sent by itself', { skip }, async () => {
  const [page] = await world.handsets([ALICE], { locale: 'zh-CN' });
  await page.goto(`${new URL(page.url()).origin}/open/12306?body=${encodeURIComponent('明天北京到上海')}`);
  await page.getByTestId('composer').waitFor();
  await page.waitForFunction(
    (text) => document.querySelector('[data-testid="composer"]').value === text,
    '明天北京到上海',
  );
  await page.getByRole('heading', { level: 2, name: '12306 铁路' }).waitFor();
  await waitForCount(bubbles(page, 'out'), 0);
});

test('all layouts of cards, and a picture that is missing', { skip }, async () => {
  for (const colorScheme of ['light', 'dark']) {
    const page = await withRail({ viewport: DESKTOP, colorScheme });
    await say(page, 'cards');
    await page.getByText('图片无法显示').waitFor();
    await snap(page, `bot-cards-${colorScheme}`);
  }
});

test('a connection that is lost comes back by itself', { skip }, async () => {
  const page = await withRail();
  await say(page, 'before');
  await bubble(page, '“before”', 'in').waitFor();
  world.mock.dropAll();
  await say(page, 'after');
  await bubble(page, '“after”', 'in').waitFor();
});
