/**
 * What the browser tests share: a server (a real one named by HONGYAN_URL, else the mock), one Chromium,
 * and the few gestures that every story needs.
 *
 * Nothing here or in a story looks once at what changes by itself: locators wait, and what no locator can say
 * is asked again by `eventually`. So a slow machine makes a story slow, and never makes it fail.
 *
 * HONGYAN_DEMO_PASSWORD is the password of the demo subscribers; screenshots go to ARTEFACTS.
 */
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { AxeBuilder } from '@axe-core/playwright';
import { chromium } from 'playwright-core';
import { startMock } from './mock/server.mjs';

export const ALICE = '+8613800000001';
export const BOB = '+8613800000002';
export const CAROL = '+8613800000003';
export const DAVE = '+8613800000004';

/** Every wait ends with what it waited for, or fails after this. */
const WAIT_MS = Number(process.env.E2E_WAIT_MS ?? 90_000);
/** Between two looks at what no locator can wait for. */
const LOOK_MS = 50;
const ARTEFACTS = process.env.ARTEFACTS ?? join(tmpdir(), 'hongyan-artefacts');
export const PHONE = { width: 390, height: 844 };
export const DESKTOP = { width: 1280, height: 800 };

/**
 * The world of a file of stories: there before the first, gone after the last. Each story leaves no window open and
 * no page with an error. Where `start` can't begin at once (a platform of the story's own), it is waited for.
 */
export function useWorld({ skip = false, start = async () => {}, stop = async () => {} } = {}) {
  const world = new World();
  if (skip) return world;
  before(async () => {
    await start();
    await world.start();
  });
  afterEach(() => world.tidy());
  after(async () => {
    await world.stop();
    await stop();
  });
  return world;
}

class World {
  /** Errors that pages threw: a story that ends with one has failed. */
  problems = [];

  async start() {
    const password = process.env.HONGYAN_DEMO_PASSWORD ?? 'demo';
    const named = process.env.HONGYAN_URL?.replace(/\/$/, '');
    this.server = named ? { url: named, password } : await startMock({ password });
    this.url = this.server.url;
    this.password = password;
    /** Absent with a real server. */
    this.mock = this.server.registrar;
    this.browser = await chromium.launch({
      executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
      timeout: WAIT_MS,
      args: [
        '--headless',
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
        // A microphone that beeps, and nobody to ask.
        '--use-fake-device-for-media-stream',
        '--use-fake-ui-for-media-stream',
      ],
    });
  }

  async tidy() {
    for (const context of this.browser.contexts()) await context.close();
    assert.deepEqual(this.problems.splice(0), []);
  }

  async stop() {
    await this.browser?.close();
    await this.server?.close?.();
  }

  /** A browser profile: tabs of one context share storage, as tabs of one browser do. */
  async context({ locale = 'en-GB', viewport = PHONE, colorScheme = 'light', ...more } = {}) {
    const timezoneId = 'Asia/Shanghai';
    const context = await this.browser.newContext({ locale, viewport, colorScheme, timezoneId, ...more });
    context.setDefaultTimeout(WAIT_MS);
    // Each subscriber is the same few devices in every story: a registrar admits only so many.
    await context.addInitScript(
      (numbers) => {
        // Pages inside a page may have no storage, and empty ones have none.
        if (window !== window.top || location.protocol === 'about:') return;
        for (const number of numbers) {
          for (let slot = 0; slot < 3; slot++) {
            const id = `00000000-0000-4000-8000-${number.slice(-11)}${slot}`;
            localStorage.setItem(`hongyan.device.${number}.${slot}`, id);
          }
        }
      },
      [ALICE, BOB, CAROL, DAVE],
    );
    return context;
  }

  /** A page whose errors fail the story. */
  async watched(context) {
    const [sibling] = context.pages();
    const page = sibling ? await this.windowBeside(sibling) : await context.newPage();
    page.on('pageerror', (error) => this.problems.push(error));
    page.on('console', (message) => {
      if (/Content Security Policy/.test(message.text())) this.problems.push(message.text());
    });
    return page;
  }

  /** A window of the same browser: tabs behind another draw a picture every two seconds, and each click takes two. */
  async windowBeside(page) {
    const context = page.context();
    const session = await context.newCDPSession(page);
    const { browserContextId } = (await session.send('Target.getTargetInfo')).targetInfo;
    const opened = context.waitForEvent('page');
    const browser = await this.browser.newBrowserCDPSession();
    await browser.send('Target.createTarget', { url: 'about:blank', newWindow: true, browserContextId });
    await Promise.all([session.detach(), browser.detach()]);
    return opened;
  }

  /** A window with nobody signed in. */
  async tab(context) {
    const page = await this.watched(context);
    await page.goto(`${this.url}/`);
    return page;
  }

  /** Subscribers in windows of one browser, or each in a browser of their own. */
  async handsets(numbers, { apart = false, ...options } = {}) {
    const shared = apart ? undefined : await this.context(options);
    const pages = [];
    for (const number of numbers)
      pages.push(await this.handset(shared ?? (await this.context(options)), number));
    return pages;
  }

  /** A window with a subscriber signed in by the link of the banner. */
  async handset(context, number) {
    const page = await this.watched(context);
    const query = new URLSearchParams({ number, password: this.password });
    await page.goto(`${this.url}/#/signin?${query}`);
    await page.getByTestId('new-conversation').waitFor();
    return page;
  }
}

/**
 * Looks again and again until `accept` is content with what `read` finds, and returns that; `what` says what was
 * expected when it never is.
 */
export async function eventually(read, accept, what) {
  const end = Date.now() + WAIT_MS;
  for (;;) {
    const found = await read();
    if (accept(found)) return found;
    assert.ok(Date.now() < end, `${what}: still ${JSON.stringify(found)}`);
    await pause(LOOK_MS);
  }
}

/** Waits until a locator has so many elements. */
export async function waitForCount(locator, n) {
  await eventually(
    () => locator.count(),
    (count) => count === n,
    `${n} of ${locator}`,
  );
}

/** Opens the conversation with a number or a service that is in no list yet. */
export async function openNew(page, address) {
  await page.getByTestId('new-conversation').click();
  await page.getByTestId('new-address').fill(address);
  await page.getByTestId('new-address').press('Enter');
  await page.getByTestId('new-address').waitFor({ state: 'detached' });
  await page.getByTestId('composer').waitFor();
}

/** Opens a conversation from the list. */
export async function openListed(page, peer) {
  await row(page, peer).click();
  await page.getByTestId('composer').waitFor();
}

export function row(page, peer) {
  return page.locator(`[data-testid="conversation"][data-peer="${peer}"]`);
}

export async function say(page, text) {
  await page.getByTestId('composer').fill(text);
  await page.getByTestId('send').click();
}

export function bubbles(page, direction) {
  return page.locator(`[data-testid="bubble"][data-direction="${direction}"]`);
}

/** The bubble with this text. */
export function bubble(page, text, direction) {
  return bubbles(page, direction).filter({ hasText: text });
}

/** The bubble with this text, and what stands beside it. */
export function bubbleRow(page, text, direction) {
  return page.locator('.bubble-row').filter({ has: bubble(page, text, direction) });
}

/** Opens the menu of the bubble with this text, by keyboard as a screen reader would. */
export async function openMenu(page, text, direction) {
  await bubbleRow(page, text, direction).getByTestId('message-menu').press('Enter');
}

/** Waits until an own message has come at least so far. */
export async function waitForState(page, text, ...states) {
  const any = states.map((state) => `[data-state="${state}"]`).join(', ');
  await bubble(page, text, 'out').and(page.locator(any)).waitFor();
}

/** axe-core finds nothing to complain about. */
export async function passesAxe(page) {
  // Its other mode opens a tab in front, and pages behind it draw a picture every two seconds.
  const { violations } = await new AxeBuilder({ page }).setLegacyMode(true).analyze();
  assert.deepEqual(
    violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' | ')}`),
    [],
  );
}

export async function snap(page, name) {
  await mkdir(ARTEFACTS, { recursive: true });
  // Motion has ended when every animation has.
  await page.evaluate(() =>
    Promise.allSettled(
      document
        .getAnimations()
        .filter((a) => a.effect?.getComputedTiming().iterations !== Infinity)
        .map((a) => a.finished),
    ),
  );
  await page.screenshot({ path: join(ARTEFACTS, `${name}.png`) });
}

/** A picture with something on it, made in the page: `image/png` or `image/jpeg`. */
export async function picture(page, { type = 'image/png', hue = 200, width = 800, height = 600 } = {}) {
  const base64 = await page.evaluate(
    async ({ type, hue, width, height }) => {
      const canvas = document.createElement('canvas');
      canvas.width = width;
      canvas.height = height;
      const context = canvas.getContext('2d');
      const sky = context.createLinearGradient(0, 0, 0, height);
      sky.addColorStop(0, `hsl(${hue} 60% 45%)`);
      sky.addColorStop(1, `hsl(${hue + 40} 70% 80%)`);
      context.fillStyle = sky;
      context.fillRect(0, 0, width, height);
      context.fillStyle = '#f4b860';
      context.beginPath();
      context.arc(width * 0.7, height * 0.35, height * 0.16, 0, 7);
      context.fill();
      return canvas.toDataURL(type).split(',')[1];
    },
    { type, hue, width, height },
  );
  return Buffer.from(base64, 'base64');
}
