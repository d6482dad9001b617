import { describe, expect, it } from 'vitest';
import { displayAddress, parseAddress, requestUri } from '../../src/rcs/address';
import { parseDeepLink } from '../../src/rcs/deep_link';
import { asVoiceMessage, parseFileTransfer, parseResumeInfo } from '../../src/rcs/file_transfer';
import { parseGeoUri, parsePushLocation, writeGeoUri, writePushLocation } from '../../src/rcs/geolocation';
import { uuid } from '../../src/rcs/id';
import { parseMediaType } from '../../src/rcs/media_type';
import { fixture } from '../fixtures';

describe('addresses', () => {
  it('are one text for all spellings of a number', () => {
    for (const text of [
      'tel:+8613800000001',
      '+86 138-0000-0001',
      '13800000001',
      '0086 138 0000 0001',
      'sip:+8613800000001@hongyan.local;user=phone',
      '"Li <3" <sip:+8613800000001@hongyan.local>;tag=1',
      'SIPS:%2B8613800000001@x',
    ]) {
      expect(parseAddress(text)).toBe('tel:+8613800000001');
    }
  });

  it('keep the user part of a chatbot and lower its domain', () => {
    expect(parseAddress('sip:12306@BotPlatform.Hongyan.local;a=b')).toBe(
      'sip:12306@botplatform.hongyan.local',
    );
    expect(parseAddress('12306@botplatform.hongyan.local')).toBe('sip:12306@botplatform.hongyan.local');
  });

  it('refuse what is neither', () => {
    for (const text of [
      '',
      '12306',
      'hello',
      'sip:x',
      'sip:@x',
      'sip:a b@x',
      'tel:abc',
      'sip:%@x',
      `tel:+${'1'.repeat(600)}`,
    ]) {
      expect(parseAddress(text)).toBeUndefined();
    }
  });

  it('become request URIs and readable text', () => {
    const li = parseAddress('13800000001');
    expect(li && requestUri(li, 'hongyan.local')).toBe('sip:+8613800000001@hongyan.local;user=phone');
    expect(li && displayAddress(li)).toBe('+86 138 0000 0001');
  });
});

describe('deep links', () => {
  it('open a chatbot by both sms forms', () => {
    const direct = parseDeepLink('sms:12306%40botplatform.hongyan.local?body=%E5%8C%97%E4%BA%AC');
    expect(direct).toEqual({ address: 'sip:12306@botplatform.hongyan.local', body: '北京' });
    const both = parseDeepLink('sms:+8610612306?service_id=12306%40botplatform.hongyan.local&body=hi');
    expect(both).toEqual({ address: 'sip:12306@botplatform.hongyan.local', body: 'hi' });
  });

  it('open numbers and SIP URIs', () => {
    expect(parseDeepLink('sms:+8613800000002')?.address).toBe('tel:+8613800000002');
    expect(parseDeepLink('tel:+8613800000002')?.address).toBe('tel:+8613800000002');
    expect(parseDeepLink('sip:12306@botplatform.hongyan.local?body=x')).toEqual({
      address: 'sip:12306@botplatform.hongyan.local',
      body: 'x',
    });
    expect(parseDeepLink('https://example.com/')).toBeUndefined();
  });
});

describe('geolocation', () => {
  it('reads and writes geo URIs alike', () => {
    const uri = fixture('rcs/geolocation/beijing-south.geo').trim();
    const place = parseGeoUri(uri);
    expect(place && writeGeoUri(place)).toBe(uri);
    expect(parseGeoUri('geo:91,0')).toBeUndefined();
    expect(parseGeoUri('geo:1,2 and more')).toBeUndefined();
  });

  it('reads circles and points', () => {
    expect(parsePushLocation(fixture('rcs/geolocation/circle.xml'))).toMatchObject({
      latitude: 39.865,
      longitude: 116.378,
      accuracyM: 10,
      label: '北京南站',
    });
    expect(parsePushLocation(fixture('rcs/geolocation/circle.written.xml'))?.accuracyM).toBe(10);
    expect(parsePushLocation(fixture('rcs/geolocation/point.xml'))?.accuracyM).toBeUndefined();
  });

  it('is read back as it was written', () => {
    for (const accuracyM of [undefined, 25]) {
      const place = { latitude: -31.5, longitude: 121.4731234, accuracyM, label: 'A & "B"' };
      const xml = writePushLocation({ id: '1', entity: 'tel:+8613800000001', at: new Date(0), place });
      expect(parsePushLocation(xml)).toEqual(place);
    }
  });
});

describe('file transfer', () => {
  it('reads a picture with its thumbnail and a voice message', () => {
    const picture = parseFileTransfer(fixture('rcs/file-transfer/picture.xml'));
    expect(picture?.file).toEqual({
      url: 'https://content.example/f/8f14e45f?a=1&b=2',
      contentType: 'image/png',
      sizeBytes: 171008,
      name: 'car & dog.png',
      until: '2026-12-23T19:00:00+08:00',
      playingMs: undefined,
      render: false,
    });
    expect(picture?.thumbnail?.url).toBe('https://content.example/t/8f14e45f');
    expect(parseFileTransfer(fixture('rcs/file-transfer/voice.xml'))?.file).toMatchObject({
      playingMs: 4046,
      render: true,
    });
  });

  it('becomes a voice message by what only the sender knows', () => {
    const uploaded = fixture('rcs/file-transfer/picture.written.xml');
    const voice = parseFileTransfer(asVoiceMessage(uploaded, 4046.4));
    expect(voice?.file).toMatchObject({ playingMs: 4046, render: true, name: 'car & dog.png' });
    expect(voice?.thumbnail?.url).toBe('https://content.example/t/8f14e45f');
    expect(asVoiceMessage(fixture('rcs/file-transfer/voice.xml'), 7000)).not.toContain('4046');
    expect(asVoiceMessage('nothing of the kind', 1)).toBe('nothing of the kind');
  });

  it('takes a short playing length for seconds', () => {
    const xml = fixture('rcs/file-transfer/voice.xml').replace('4046', '12');
    expect(parseFileTransfer(xml)?.file.playingMs).toBe(12_000);
  });

  it('says how much of an upload has arrived', () => {
    const info = (range: string) =>
      parseResumeInfo(`<file-resume-info>${range}<data url="https://c.example/u/1"/></file-resume-info>`);
    expect(info('<file-range start="0" end="1023"/>')).toEqual({
      endByte: 1023,
      url: 'https://c.example/u/1',
    });
    expect(info('<file-range start="1" end="0"/>')?.endByte).toBe(-1);
    expect(info('')).toBeUndefined();
    expect(
      parseResumeInfo('<file-resume-info><file-range start="0" end="1"/></file-resume-info>'),
    ).toBeUndefined();
    expect(parseResumeInfo('<other/>')).toBeUndefined();
  });

  it('refuses links that are not http', () => {
    const xml = fixture('rcs/file-transfer/voice.xml').replace('https://content.example/f/', 'javascript:');
    expect(parseFileTransfer(xml)).toBeUndefined();
  });
});

describe('small things', () => {
  it('media types lose case and quotes', () => {
    const type = parseMediaType('Multipart/Mixed; Boundary="a;b\\"c"; x=y');
    expect(type.essence).toBe('multipart/mixed');
    expect([...type.parameters]).toEqual([
      ['boundary', 'a;b"c'],
      ['x', 'y'],
    ]);
    expect(parseMediaType('nonsense').essence).toBe('application/octet-stream');
  });

  it('UUIDs are of version 4', () => {
    expect(uuid()).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(uuid()).not.toBe(uuid());
  });
});
