/**
 * What the browser tests share: a server (a real one named by HONGYAN_URL, else the mock), one Chromium,
 * and the few gestures that every story needs.
 *
 * HONGYAN_DEMO_PASSWORD is the password of the demo subscribers; screenshots go to ARTEFACTS.
 */
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { startMock } from './mock/server.mjs';

export const ALICE = '+8613800000001';
export const BOB = '+8613800000002';
export const CAROL = '+8613800000003';
export const DAVE = '+8613800000004';

/** Every wait ends with what it waited for, or fails after this. */
const WAIT_MS = Number(process.env.E2E_WAIT_MS ?? 20_000);
const ARTEFACTS = process.env.ARTEFACTS ?? join(tmpdir(), 'hongyan-artefacts');
export const PHONE = { width: 390, height: 844 };
export const DESKTOP = { width: 1280, height: 800 };

export class World {
  /** Errors that pages threw: a story that ends with one has failed. */
  problems = [];

  constructor(server, browser) {
    this.url = server.url;
    this.password = server.password;
    /** Absent with a real server. */
    this.mock = server.registrar;
    this.server = server;
    this.browser = browser;
  }

  static async start() {
    const password = process.env.HONGYAN_DEMO_PASSWORD ?? 'demo';
    const named = process.env.HONGYAN_URL?.replace(/\/$/, '');
    const server = named ? { url: named, password } : await startMock({ password });
    const browser = await chromium.launch({
      executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
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
    return new World(server, browser);
  }

  async stop() {
    await this.browser.close();
    await this.server.close?.();
  }

  /** A browser profile: tabs of one context share storage, as tabs of one browser do. */
  async context({ locale = 'en-GB', viewport = PHONE, colorScheme = 'light', ...more } = {}) {
    const timezoneId = 'Asia/Shanghai';
    const context = await this.browser.newContext({ locale, viewport, colorScheme, timezoneId, ...more });
    context.setDefaultTimeout(WAIT_MS);
    // Each subscriber is the same few devices in every story: a registrar admits only so many.
    await context.addInitScript(
      (numbers) => {
        // Pages inside a page may have no storage.
        if (window !== window.top) return;
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
    const page = await context.newPage();
    page.on('pageerror', (error) => this.problems.push(error));
    page.on('console', (message) => {
      if (/Content Security Policy/.test(message.text())) this.problems.push(message.text());
    });
    return page;
  }

  /** A tab with nobody signed in. */
  async tab(context) {
    const page = await this.watched(context);
    await page.goto(`${this.url}/`);
    return page;
  }

  /** A tab with a subscriber signed in by the link of the banner. */
  async handset(context, number) {
    const page = await this.watched(context);
    const query = new URLSearchParams({ number, password: this.password });
    await page.goto(`${this.url}/#/signin?${query}`);
    await page.getByTestId('new-conversation').waitFor();
    return page;
  }
}

/** Opens the conversation with a number or a service that is in no list yet. */
export async function openNew(page, address) {
  await page.getByTestId('new-conversation').click();
  await page.getByTestId('new-address').fill(address);
  await page.getByTestId('new-address').press('Enter');
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

/** The bubble with this text. */
export function bubble(page, text, direction) {
  return page.locator(`[data-testid="bubble"][data-direction="${direction}"]`).filter({ hasText: text });
}

/** Waits until an own message has come at least so far. */
export async function waitForState(page, text, ...states) {
  const any = states.map((state) => `[data-state="${state}"]`).join(', ');
  await bubble(page, text, 'out').and(page.locator(any)).waitFor();
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
