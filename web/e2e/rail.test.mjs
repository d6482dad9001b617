/**
 * The whole conversation with the rail chatbot, by typing and by tapping, in Chinese and in English: search,
 * book, pay, ticket, change, refund. Needs a real server (`hongyan serve --demo`) in HONGYAN_URL.
 *
 * Each story has a subscriber of its own, because the chatbot remembers language and passengers.
 */
import { test } from 'node:test';
import {
  ALICE,
  BOB,
  bubble,
  bubbles,
  CAROL,
  DAVE,
  DESKTOP,
  openNew,
  PHONE,
  say,
  snap,
  useWorld,
  waitForState,
} from './harness.mjs';

// The mock has no rail bot.
const skip = process.env.HONGYAN_URL === undefined;

const world = useWorld({ skip });

const TYPED = {
  'zh-CN': {
    number: ALICE,
    search: ['明天北京到上海', /以下是第.*预订/s],
    train: ['G103', '请选择席别'],
    seat: ['二等座', /姓名和证件号|请选择乘车人/],
    passenger: ['王小明 13800000001', '请核对订单'],
    order: ['提交订单', '待支付'],
    pay: /^去支付/,
    paid: '出票成功',
    change: ['改签到后天', /改签订单.*预订/s],
    newTrain: ['G107', '请选择席别'],
    newSeat: ['二等座', '请核对订单'],
    confirmChange: ['确认', '出票成功'],
    orders: ['我的订单', '已出票'],
    refund: ['退票', '退票费'],
    confirmRefund: ['确认退票', '已退票'],
  },
  'en-GB': {
    number: BOB,
    search: ['Beijing to Shanghai tomorrow', /trains, here are.*Book/s],
    train: ['G103', 'Please choose a class'],
    seat: ['second class', /name and document|Who is travelling/],
    passenger: ['Wang Xiaoming 13800000001', 'Please check your order'],
    order: ['Place order', 'To pay'],
    pay: /^Pay /,
    paid: 'Ticket issued',
    change: ['change my ticket to the day after tomorrow', /to exchange order.*Book/s],
    newTrain: ['G107', 'Please choose a class'],
    newSeat: ['2nd class', 'Please check your order'],
    confirmChange: ['yes', 'Ticket issued'],
    orders: ['my orders', 'Issued'],
    refund: ['refund', 'Fee'],
    confirmRefund: ['confirm refund', 'is refunded'],
  },
};

test('the rail chatbot is found by what it does, and its own menu is there', { skip }, async () => {
  const [page] = await world.handsets([DAVE], { locale: 'zh-CN', viewport: PHONE });
  await page.getByTestId('new-conversation').click();
  await page.getByTestId('new-address').fill('铁路');
  await page.getByTestId('service').filter({ hasText: '12306' }).click();
  await page.getByTestId('menu-button').click();
  await page.getByTestId('menu-entry').filter({ hasText: '更多' }).click();
  await page
    .getByTestId('menu-entry')
    .filter({ hasText: /帮助|Help/ })
    .waitFor();
  await snap(page, 'rail-menu');
});

test('a link opens the conversation with the rail chatbot', { skip }, async () => {
  const [page] = await world.handsets([DAVE], { locale: 'zh-CN', viewport: PHONE });
  await page.goto(`${new URL(page.url()).origin}/open/12306?body=${encodeURIComponent('明天北京到上海')}`);
  await page.getByTestId('composer').waitFor();
  await page.waitForFunction(
    (text) => document.querySelector('[data-testid="composer"]').value === text,
    '明天北京到上海',
  );
});

for (const [locale, words] of Object.entries(TYPED)) {
  test(`a ticket is bought, changed and refunded by typing (${locale})`, { skip }, async () => {
    const [page] = await world.handsets([words.number], { locale, viewport: PHONE });
    await openNew(page, '12306');
    const ask = async ([text, expected], shot) => {
      await answered(page, () => say(page, text), expected);
      if (shot) await snap(page, `rail-typed-${locale}-${shot}`);
    };
    await ask(words.search, '1-search');
    await ask(words.train, '2-train');
    await ask(words.seat);
    await ask(words.passenger, '3-passenger');
    await ask(words.order, '4-order');
    await pay(page, words, `rail-typed-${locale}-5-payment`);
    await snap(page, `rail-typed-${locale}-6-ticket`);
    await ask(words.change, '7-change');
    await ask(words.newTrain);
    await ask(words.newSeat, '8-difference');
    await ask(words.confirmChange, '9-changed');
    await ask(words.orders);
    await ask(words.refund, '10-refund');
    await ask(words.confirmRefund, '11-refunded');
    await waitForState(page, words.confirmRefund[0], 'displayed', 'delivered');
  });
}

const TAPPED = {
  'zh-CN': {
    number: CAROL,
    welcome: '12306 票务助手',
    journey: ['明天 北京→上海', /以下是第.*预订/s],
    book: ['预订', '请选择席别'],
    seat: [/^二等座/, /姓名和证件号|请选择乘车人/],
    passenger: [/^(用演示乘客 )?李雷/, '请核对订单'],
    order: ['提交订单', '待支付'],
    pay: /^去支付/,
    paid: '出票成功',
    calendar: ['加入日历', '下载日程（.ics）'],
    map: '车站地图',
    change: ['改签', /改签订单.*预订/s],
    nextDay: ['后一天', /改签订单.*预订/s],
    dearer: [/^一等座/, '需补差价'],
    confirmChange: ['确认改签', '待支付'],
    refund: ['退票', '退票费'],
    confirmRefund: ['确认退票', '已退票'],
    menu: ['我的订单 My orders', '已退票'],
    close: '关闭',
  },
  'en-GB': {
    number: DAVE,
    language: ['English', 'English it is'],
    welcome: '12306',
    journey: ['Beijing→Shanghai', /trains, here are.*Book/s],
    book: ['Book', 'Please choose a class'],
    seat: [/^2nd class/, /name and document|Who is travelling/],
    passenger: [/^(Demo passenger )?Li Lei/, 'Please check your order'],
    order: ['Place order', 'To pay'],
    pay: /^Pay /,
    paid: 'Ticket issued',
    calendar: ['Add to calendar', 'Download event (.ics)'],
    map: 'Station map',
    change: ['Change', /to exchange order.*Book/s],
    nextDay: ['Next day', /to exchange order.*Book/s],
    dearer: [/^1st class/, 'more is due'],
    confirmChange: ['Confirm change', 'To pay'],
    refund: ['Refund', 'Fee'],
    confirmRefund: ['Confirm refund', 'is refunded'],
    menu: ['我的订单 My orders', 'Refunded'],
    close: 'Close',
  },
};

for (const [locale, words] of Object.entries(TAPPED)) {
  test(`a ticket is bought, changed and refunded by tapping (${locale})`, { skip }, async () => {
    const [page] = await world.handsets([words.number], { locale, viewport: DESKTOP });
    const shot = (name) => snap(page, `rail-tapped-${locale}-${name}`);
    await openNew(page, '12306');
    await page.getByTestId('start').waitFor();
    await shot('0-start');
    await answered(page, () => page.getByTestId('start').click(), words.welcome);
    await shot('1-welcome');
    await chip(page, words.journey[0])
      .or(chip(page, (words.language ?? words.journey)[0]))
      .first()
      .waitFor();
    // Chips of one message come together; the chatbot may know the language from before.
    if (words.language && (await chip(page, words.language[0]).isVisible())) await tap(page, words.language);
    await tap(page, words.journey);
    await shot('2-results');
    await answered(page, () => newestButton(page, words.book[0]).click(), words.book[1]);
    await tap(page, words.seat);
    await tap(page, words.passenger);
    await shot('3-check');
    await tap(page, words.order);
    await shot('4-order');
    await pay(page, words, `rail-tapped-${locale}-5-payment`);
    await shot('6-ticket');

    await newestButton(page, words.calendar[0]).click();
    await page.getByRole('button', { name: words.calendar[1] }).waitFor();
    await shot('7-calendar');
    await closeSheet(page, words.close);
    await newestButton(page, words.map).click();
    await page.getByTestId('map').waitFor();
    await shot('8-map');
    await closeSheet(page, words.close);

    await answered(page, () => newestButton(page, words.change[0]).click(), words.change[1]);
    await tap(page, words.nextDay);
    await answered(page, () => newestButton(page, words.book[0]).click(), words.book[1]);
    await tap(page, words.dearer);
    await shot('9-difference');
    await tap(page, words.confirmChange);
    await pay(page, words);
    await shot('10-changed');

    await answered(page, () => newestButton(page, words.refund[0]).click(), words.refund[1]);
    await tap(page, words.confirmRefund);
    await page.getByTestId('menu-button').click();
    await shot('11-menu');
    const entry = page.getByTestId('menu-entry').filter({ hasText: words.menu[0] });
    await answered(page, () => entry.click(), words.menu[1]);
    await shot('12-orders');
  });
}

/**
 * Does something and waits for new messages of the chatbot with this text. Trains come as two messages, a heading and
 * a carousel: what is expected of them is in both, or the next tap would meet the carousel before.
 */
async function answered(page, act, expected) {
  const known = await bubbles(page, 'in').evaluateAll((bubbles) =>
    bubbles.map((one) => one.dataset.messageId),
  );
  await act();
  const [source, flags] =
    expected instanceof RegExp ? [expected.source, expected.flags] : [literal(expected), ''];
  await page.waitForFunction(
    ([seen, pattern, modifiers]) =>
      new RegExp(pattern, modifiers).test(
        [...document.querySelectorAll('[data-testid="bubble"][data-direction="in"]')]
          .filter((one) => !seen.includes(one.dataset.messageId))
          .map((one) => one.textContent)
          .join('\n'),
      ),
    [known, source, flags],
  );
}

function literal(text) {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

function chip(page, label) {
  return page.getByTestId('chip').filter({ hasText: label }).first();
}

async function tap(page, [label, expected]) {
  await answered(page, () => chip(page, label).click(), expected);
}

/** The button with this label on the newest message that has one; the first of a carousel. */
function newestButton(page, label) {
  const name = typeof label === 'string' ? { name: label, exact: true } : { name: label };
  const button = page.getByRole('button', name);
  return page.getByTestId('bubble').filter({ has: button }).last().getByRole('button', name).first();
}

/** Follows the payment link, pays on the hosted page, and waits for the ticket. */
async function pay(page, words, shot) {
  await answered(
    page,
    async () => {
      const popup = page.waitForEvent('popup');
      await newestButton(page, words.pay).click();
      const desk = await popup;
      const button = desk.locator('button[value="pay"]');
      await button.waitFor();
      if (shot) await snap(desk, shot);
      await button.click();
      await desk
        .getByRole('status')
        .getByText(/支付成功/)
        .waitFor();
      await desk.close();
    },
    words.paid,
  );
  await bubble(page, words.paid, 'in').last().waitFor();
}

async function closeSheet(page, name) {
  await page.getByRole('button', { name, exact: true }).click();
  await page.locator('dialog').waitFor({ state: 'detached' });
}
