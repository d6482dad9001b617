import { describe, expect, it } from 'vitest';
import { ComposingSender, parseComposing, writeComposing } from '../../src/rcs/composing';
import { parseImdn, writeImdn } from '../../src/rcs/imdn';
import { writeSpamReport } from '../../src/rcs/spam_report';
import { fixture } from '../fixtures';

describe('IMDN', () => {
  it('reads the shared fixtures', () => {
    expect(parseImdn(fixture('rcs/imdn/delivered.xml'))).toEqual({
      messageId: 'Msg34jk324j',
      disposition: 'delivered',
    });
    expect(parseImdn(fixture('rcs/imdn/delivered.written.xml'))?.disposition).toBe('delivered');
    expect(parseImdn(fixture('rcs/imdn/displayed-prefixed.xml'))).toEqual({
      messageId: 'a~b&c',
      disposition: 'displayed',
    });
    expect(parseImdn(fixture('rcs/imdn/interworked-sms.xml'))?.disposition).toBe('interworked');
  });

  it('is read back as it was written', () => {
    for (const disposition of ['delivered', 'displayed'] as const) {
      const xml = writeImdn({
        messageId: 'a<b>&"c',
        dateTime: 'now',
        recipient: 'tel:+8613800000001',
        disposition,
      });
      expect(parseImdn(xml)).toEqual({ messageId: 'a<b>&"c', disposition });
    }
  });

  it('refuses other XML, declared entities and broken documents', () => {
    const bomb = `<!DOCTYPE imdn [<!ENTITY a "aaaa">]>${fixture('rcs/imdn/delivered.written.xml')}`;
    for (const text of ['', '<imdn', '<other/>', '<imdn/>', bomb]) expect(parseImdn(text)).toBeUndefined();
  });
});

describe('is-composing', () => {
  it('reads the shared fixtures', () => {
    expect(parseComposing(fixture('rcs/composing/active.xml'))).toEqual({ state: 'active', refreshS: 90 });
    // An unknown state is idle, and a refresh below the minimum is raised to it.
    expect(parseComposing(fixture('rcs/composing/odd.xml'))).toEqual({ state: 'idle', refreshS: 60 });
  });

  it('is read back as it was written', () => {
    expect(parseComposing(writeComposing('active'))).toEqual({ state: 'active', refreshS: 60 });
    expect(parseComposing(writeComposing('idle'))?.state).toBe('idle');
  });

  it('says active at the first key, again before the refresh runs out, and idle after 15 s', () => {
    const sender = new ComposingSender();
    expect(sender.handleInput(0)).toBe('active');
    expect(sender.handleInput(1_000)).toBeUndefined();
    expect(sender.handleInput(51_000)).toBe('active');
    expect(sender.pollTimeout()).toBe(66_000);
    expect(sender.handleTimeout(60_000)).toBeUndefined();
    expect(sender.handleTimeout(66_000)).toBe('idle');
    expect(sender.pollTimeout()).toBeUndefined();
  });

  it('says nothing after the message, which itself ends the typing', () => {
    const sender = new ComposingSender();
    sender.handleInput(0);
    sender.handleSent();
    expect(sender.handleTimeout(20_000)).toBeUndefined();
    expect(sender.handleInput(21_000)).toBe('active');
  });
});

describe('a spam report', () => {
  it('is written as the shared fixture', () => {
    const written = writeSpamReport({
      about: 'sip:lottery@botplatform.hongyan.local',
      messageIds: ['Msg34jk324j', 'Msg34jk325j'],
      kind: 'phishing',
      text: '要我的密码 & my PIN',
    });
    const withoutBreaks = (xml: string) => xml.replace(/>\s+</g, '><').trim();
    expect(withoutBreaks(written)).toBe(withoutBreaks(fixture('rcs/spam-report/chatbot.xml')));
  });
});
