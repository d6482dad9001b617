import { describe, expect, it } from 'vitest';
import { parseChatbotInfo } from '../../src/rcs/bot/info';
import { parseSuggestionResponse, writeSuggestionResponse } from '../../src/rcs/bot/response';
import { writeSharedData } from '../../src/rcs/bot/shared_data';
import { parseChipList } from '../../src/rcs/bot/suggestion';
import { parseContent } from '../../src/rcs/content';
import * as media from '../../src/rcs/media_type';
import { header } from '../../src/rcs/mime';
import { parseMultipart } from '../../src/rcs/multipart';
import { fixture } from '../fixtures';

describe('cards', () => {
  it('reads a vertical card in full', () => {
    expect(parseContent(media.BOT_MESSAGE, fixture('bot/card-vertical.json'))).toEqual({
      kind: 'card',
      orientation: 'vertical',
      imageAlignment: 'left',
      titleFonts: ['bold'],
      descriptionFonts: [],
      content: {
        media: {
          url: 'https://f.example/g1.jpg',
          contentType: 'image/jpeg',
          thumbnailUrl: 'https://f.example/g1-small.jpg',
          sizeBytes: 48211,
          height: 'short',
          description: 'a white train',
        },
        title: 'G1 北京南 → 上海虹桥',
        description: '09:00 – 13:28 · 二等座 ¥553',
        suggestions: [
          { kind: 'reply', displayText: '订二等座', postback: 'buy:G1:2' },
          {
            kind: 'action',
            displayText: '详情',
            postback: 'more:G1',
            action: {
              type: 'openUrl',
              url: 'https://rail.example/G1',
              application: 'browser',
              viewMode: 'full',
            },
          },
        ],
      },
    });
  });

  it('reads horizontal cards, carousels and tolerated forms', () => {
    const horizontal = parseContent(media.BOT_MESSAGE, fixture('bot/card-horizontal.json'));
    expect(horizontal).toMatchObject({ kind: 'card', orientation: 'horizontal', imageAlignment: 'left' });
    const carousel = parseContent(media.BOT_MESSAGE, fixture('bot/carousel.json'));
    expect(carousel).toMatchObject({
      kind: 'carousel',
      width: 'medium',
      descriptionFonts: ['italics', 'underline'],
    });
    expect(carousel.kind === 'carousel' && carousel.contents.map(({ title }) => title)).toEqual(['G1', 'G3']);
    const tolerated = parseContent(media.BOT_MESSAGE, fixture('bot/tolerated-card.json'));
    expect(tolerated).toMatchObject({
      kind: 'card',
      content: { title: 't', media: undefined, suggestions: [] },
    });
  });

  it('takes another minor version and refuses another major one', () => {
    const body = fixture('bot/card-vertical.json');
    expect(parseContent('application/vnd.gsma.botmessage.v1.3+json', body).kind).toBe('card');
    expect(parseContent('application/vnd.gsma.botmessage.v2.0+json', body).kind).toBe('unknown');
  });

  it('never loads or opens anything but http and https', () => {
    const card = (url: string) =>
      JSON.stringify({
        message: {
          generalPurposeCard: {
            layout: {},
            content: {
              title: 't',
              media: { mediaUrl: url },
              suggestions: [{ action: { displayText: 'x', urlAction: { openUrl: { url } } } }],
            },
          },
        },
      });
    for (const url of ['javascript:alert(1)', 'data:text/html,x', 'file:///etc/passwd', '//x.example', 'x']) {
      const content = parseContent(media.BOT_MESSAGE, card(url));
      expect(content).toMatchObject({ kind: 'card', content: { media: undefined, suggestions: [] } });
    }
  });
});

describe('suggestions', () => {
  it('reads every kind of the specification', () => {
    const all = parseChipList(fixture('bot/suggestions-all.json')) ?? [];
    const rest = parseChipList(fixture('bot/suggestions-rest.json')) ?? [];
    const types = [...all, ...rest].map((item) => (item.kind === 'reply' ? 'reply' : item.action.type));
    expect(types).toEqual([
      'reply',
      'reply',
      'openUrl',
      'dial',
      'dial',
      'dial',
      'showLocation',
      'showLocation',
      'requestLocationPush',
      'createCalendarEvent',
      'composeText',
      'composeRecording',
      'requestDeviceSpecifics',
      'disableAnonymization',
      'enableDisplayedNotifications',
      // The last one opens an app by a scheme of its own, which a browser mustn't.
    ]);
    expect(all[1]).toEqual({ kind: 'reply', displayText: '否', postback: undefined });
    expect(all[2]).toMatchObject({ postback: '', action: { application: 'webview', viewMode: 'half' } });
    expect(all[9]).toMatchObject({ action: { start: new Date('2026-11-24T01:00:00Z'), title: 'G1' } });
  });

  it('reads the tolerated forms as the exact ones', () => {
    const exact = parseChipList(fixture('bot/tolerated-suggestions.read.json'));
    const read = parseChipList(fixture('bot/tolerated-suggestions.json'));
    expect(read?.map(({ displayText }) => displayText)).toEqual(exact?.map(({ displayText }) => displayText));
    expect(read?.[0]).toEqual(exact?.[0]);
    expect(read?.[2]).toEqual(exact?.[2]);
  });

  it('leaves a bad one out and keeps the others', () => {
    const body = JSON.stringify({
      suggestions: [
        null,
        { reply: {} },
        { action: { displayText: 'x' } },
        {
          action: {
            displayText: 'x',
            mapAction: { showLocation: { location: { latitude: 91, longitude: 0 } } },
          },
        },
        { reply: { displayText: 'good' } },
      ],
    });
    expect(parseChipList(body)).toEqual([{ kind: 'reply', displayText: 'good', postback: undefined }]);
  });

  it('writes responses as the shared fixture has them', () => {
    const written = writeSuggestionResponse({ kind: 'reply', displayText: '订二等座', postback: 'buy:G1:2' });
    expect(written).toBe(fixture('bot/response-reply.json').trim());
    expect(parseSuggestionResponse(fixture('bot/response-action.json'))).toEqual({
      kind: 'action',
      displayText: '详情',
      postback: 'more:G1',
    });
    expect(writeSuggestionResponse({ kind: 'reply', displayText: 'a', postback: undefined })).toBe(
      '{"response":{"reply":{"displayText":"a"}}}',
    );
  });

  it('keeps shared device data within the limits', () => {
    const written = writeSharedData({
      deviceModel: 'Aurora 9 Pro Max',
      platformVersion: 'x'.repeat(30),
      clientVendor: 'HONGYAN',
      clientVersion: '1',
      batteryRemainingMinutes: 12.6,
    });
    expect(JSON.parse(written).sharedData.deviceSpecifics).toEqual({
      deviceModel: 'Aurora 9 P',
      platformVersion: 'x'.repeat(20),
      clientVendor: 'HONG',
      clientVersion: '1',
      batteryRemainingMinutes: 13,
    });
  });
});

describe('multipart', () => {
  it('reads the shared fixtures', () => {
    const tidy = parseMultipart(fixture('rcs/multipart/card-and-chips.mixed'), 'next');
    expect(tidy?.map((part) => header(part, 'Content-Type'))).toEqual([
      media.BOT_MESSAGE,
      media.BOT_SUGGESTION,
    ]);
    const untidy = parseMultipart(fixture('rcs/multipart/untidy.mixed'), 'next');
    expect(untidy?.length).toBe(3);
    expect(untidy?.[0] && header(untidy[0], 'content-disposition')).toBe('recipient-list; a=b');
  });

  it('joins a card with its chips', () => {
    const card = fixture('bot/card-vertical.json');
    const chips = fixture('bot/suggestions-rest.json');
    const body = [
      '--b',
      `Content-Type: ${media.BOT_MESSAGE}`,
      '',
      card,
      '--b',
      `Content-Type: ${media.BOT_SUGGESTION}`,
      '',
      chips,
      '--b--',
    ].join('\r\n');
    const content = parseContent('multipart/mixed; boundary="b"', body);
    expect(content.kind).toBe('card');
    expect(content.suggestions?.length).toBe(4);
  });

  it('survives every prefix and a missing boundary', () => {
    const whole = fixture('rcs/multipart/card-and-chips.mixed');
    for (let end = 0; end < whole.length; end++) {
      expect(() => parseContent('multipart/mixed; boundary=next', whole.slice(0, end))).not.toThrow();
    }
    expect(parseContent('multipart/mixed', whole).kind).toBe('unknown');
  });
});

describe('other content', () => {
  it('shows a geo URI as a place and other text as text', () => {
    expect(parseContent('text/plain', fixture('rcs/geolocation/beijing-south.geo'))).toEqual({
      kind: 'location',
      place: { latitude: 39.865, longitude: 116.378, accuracyM: 10, label: '北京南站', crs: 'gcj02' },
    });
    expect(parseContent('text/plain; charset="utf-8"', 'geo: is a scheme')).toEqual({
      kind: 'text',
      text: 'geo: is a scheme',
    });
  });

  it('shows what it does not know as unknown', () => {
    expect(parseContent('application/x-new', 'x')).toEqual({
      kind: 'unknown',
      contentType: 'application/x-new',
    });
    expect(parseContent(media.BOT_MESSAGE, '{').kind).toBe('unknown');
  });
});

describe('chatbot profile', () => {
  it('reads the fields that the handset shows and the menu', () => {
    const menu = JSON.parse(fixture('bot/menu.json')).menu;
    const info = parseChatbotInfo(
      JSON.stringify({
        botinfo: {
          pcc: {
            'org-details': {
              'org-name': [{ 'display-name': '12306 票务' }],
              'media-list': {
                'media-entry': [{ label: 'Icon', media: { 'media-url': 'https://f.example/i.png' } }],
              },
              'category-list': { 'category-entry': ['travel', 7] },
            },
          },
          colour: '#0A66C2',
          website: 'javascript:alert(1)',
          email: 'a@b.example',
        },
        'persistent-menu': { menu },
        'bot-verification': { 'verification-info': { verified: true, 'verified-by': '运营商' } },
      }),
    );
    expect(info).toMatchObject({
      name: '12306 票务',
      icon: 'https://f.example/i.png',
      colour: '#0a66c2',
      website: undefined,
      email: 'a@b.example',
      categories: ['travel'],
      verified: true,
    });
    expect(info?.menu.map(({ kind, displayText }) => [kind, displayText])).toEqual([
      ['reply', '查票'],
      ['menu', '我的'],
      ['action', '官网'],
    ]);
  });
});
