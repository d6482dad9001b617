import { describe, expect, it } from 'vitest';
import { eventId, everybody, groupOf, NEW_GROUP, withInfo } from '../../src/handset/group';
import { mayRevoke } from '../../src/handset/message';
import type { MessageRecord } from '../../src/handset/records';
import type { Address } from '../../src/rcs/address';
import { isGroup } from '../../src/rcs/address';
import { type ConferenceInfo, parseConferenceInfo } from '../../src/rcs/conference_info';
import { writeIcon, writeSubject } from '../../src/rcs/group_data';
import { writeResourceList } from '../../src/rcs/resource_list';
import { parseRevokeAnswer, writeRevokeRequest } from '../../src/rcs/revoke';
import { parseXml } from '../../src/rcs/xml';
import { fixture } from '../fixtures';

const [ALICE, BOB, CAROL] = ['tel:+8613800000001', 'tel:+8613800000002', 'tel:+8613800000003'] as [
  Address,
  Address,
  Address,
];

function info(version: number, users: string, more = 'state="partial"'): ConferenceInfo {
  const read = parseConferenceInfo(
    `<c:conference-info xmlns:c="urn:ietf:params:xml:ns:conference-info" entity="sip:7f3a@groups.h" ${more} version="${version}">${users}</c:conference-info>`,
  );
  if (!read) throw new Error('not read');
  return read;
}

function user(address: string, status = 'connected', role = 'participant'): string {
  return `<c:user entity="${address}" state="full"><c:roles><c:entry>${role}</c:entry></c:roles><c:endpoint entity="${address}"><c:status>${status}</c:status></c:endpoint></c:user>`;
}

const FULL = info(
  3,
  `<c:conference-description><c:subject>周末</c:subject></c:conference-description><c:users>${user('sip:+8613800000001@h;user=phone', 'connected', 'admin')}${user(BOB, 'pending')}</c:users>`,
  'state="full"',
);

describe('conference-info', () => {
  it('says who is in a group, who may change it, and who is still to come', () => {
    expect(FULL).toEqual({
      version: 3,
      isFull: true,
      subject: '周末',
      icon: undefined,
      users: [
        { address: ALICE, isDeleted: false, name: undefined, isAdmin: true, isPending: false },
        { address: BOB, isDeleted: false, name: undefined, isAdmin: false, isPending: true },
      ],
    });
    expect(parseConferenceInfo('<other/>')).toBeUndefined();
    expect(
      parseConferenceInfo('<conference-info version="x"><users><user/></users></conference-info>'),
    ).toEqual({
      version: 0,
      isFull: true,
      subject: undefined,
      icon: undefined,
      users: [],
    });
  });
});

describe('documents of others', () => {
  it('survive every prefix', () => {
    const documents = [
      `<conference-info version="1"><users>${user(ALICE).replaceAll('c:', '')}</users></conference-info>`,
      writeRevokeRequest('m1'),
    ];
    for (const text of documents) {
      for (let end = 0; end < text.length; end++) {
        expect(() => parseConferenceInfo(text.slice(0, end))).not.toThrow();
        expect(() => parseRevokeAnswer(text.slice(0, end))).not.toThrow();
      }
    }
  });
});

describe('a group', () => {
  const { group } = withInfo(NEW_GROUP, FULL, ALICE);

  it('is known by the first document, which tells no news', () => {
    expect(group).toMatchObject({ subject: '周末', version: 3, isMember: true });
    expect(withInfo(NEW_GROUP, FULL, ALICE).events).toEqual([]);
  });

  it('of our own making tells who comes', () => {
    expect(withInfo(groupOf('周末', ALICE, [BOB]), FULL, ALICE).events).toEqual([]);
    const joined = info(4, `<c:users>${user(BOB)}${user(CAROL, 'pending')}</c:users>`);
    expect(withInfo(group, joined, ALICE).events).toEqual([
      { kind: 'joined', who: BOB },
      { kind: 'added', who: CAROL },
    ]);
  });

  it('tells who has gone and what it is called now', () => {
    const change = info(
      4,
      `<c:conference-description><c:subject>爬山</c:subject></c:conference-description><c:users><c:user entity="${BOB}" state="deleted"/></c:users>`,
    );
    const changed = withInfo(group, change, ALICE);
    expect(changed.events).toEqual([
      { kind: 'left', who: BOB },
      { kind: 'renamed', subject: '爬山' },
    ]);
    expect(changed.group.members.map(({ address }) => address)).toEqual([ALICE]);
  });

  it('is known by a picture that comes and goes', () => {
    const told = parseConferenceInfo(fixture('rcs/conference-info/icon.written.xml'));
    if (!told) throw new Error('not read');
    const url = 'https://rcs.example/content/abc';
    expect(told.icon).toEqual({ url, by: ALICE });
    const pictured = withInfo(group, { ...told, version: 4 }, BOB);
    expect(pictured.group).toMatchObject({ icon: url, subject: '周末' });
    expect(pictured.events).toEqual([{ kind: 'pictured', by: ALICE, isGone: false }]);
    // Our own change needs no name, and what says nothing of it changes nothing.
    const own = withInfo(group, { ...told, version: 4 }, ALICE).events;
    expect(own).toEqual([{ kind: 'pictured', by: undefined, isGone: false }]);
    expect(withInfo(pictured.group, info(5, ''), BOB).group.icon).toBe(url);
    const none = '<c:conference-description><c:icon/></c:conference-description>';
    const gone = withInfo(pictured.group, info(5, none), BOB);
    expect(gone.group.icon).toBeUndefined();
    expect(gone.events).toEqual([{ kind: 'pictured', by: undefined, isGone: true }]);
    expect(withInfo(pictured.group, FULL, BOB).group.icon).toBeUndefined();
    const script = none.replace('/>', '><c:icon-uri>javascript:alert(1)</c:icon-uri></c:icon>');
    expect(info(5, script).icon?.url).toBe('');
  });

  it('asks again when a document is missing, and ignores one that was overtaken', () => {
    expect(withInfo(group, info(5, ''), ALICE).isStale).toBe(true);
    expect(withInfo(group, info(4, ''), ALICE).isStale).toBe(false);
    const old = withInfo(group, info(2, `<c:users>${user(CAROL)}</c:users>`), ALICE);
    expect(old).toEqual({ group, events: [], isStale: false });
  });

  it('has got a message when everybody who is there has', () => {
    const { group: three } = withInfo(group, info(4, `<c:users>${user(BOB)}${user(CAROL)}</c:users>`), ALICE);
    expect(everybody(three, ALICE, new Set([BOB]))).toBe(false);
    expect(everybody(three, ALICE, new Set([BOB, CAROL]))).toBe(true);
    // Bob is still to come, and nobody else is in.
    expect(everybody(group, ALICE, new Set())).toBe(false);
  });

  it('gives what happens one name in every tab', () => {
    const joined = { kind: 'joined', who: BOB } as const;
    expect(eventId(joined, 4)).toBe(eventId({ ...joined }, 4));
    const others = [
      eventId(joined, 5),
      eventId({ kind: 'joined', who: CAROL }, 4),
      eventId({ kind: 'left', who: BOB }, 4),
    ];
    expect(new Set([...others, eventId(joined, 4)]).size).toBe(4);
  });

  it('is told by its address', () => {
    expect(isGroup('sip:7f3a@groups.hongyan.local' as Address)).toBe(true);
    expect(isGroup('sip:12306@botplatform.hongyan.local' as Address)).toBe(false);
    expect(isGroup(ALICE)).toBe(false);
  });
});

describe('documents that we write', () => {
  it('are well-formed whatever is in them', () => {
    const list = parseXml(writeResourceList(['sip:a@b;x="<&>"', BOB]));
    const uris = [...(list?.getElementsByTagNameNS('*', 'entry') ?? [])].map((entry) =>
      entry.getAttribute('uri'),
    );
    expect(uris).toEqual(['sip:a@b;x="<&>"', BOB]);
    expect(parseXml(writeSubject('a <b> & c'))?.textContent).toBe('subjectseta <b> & c');
    expect(parseXml(writeSubject(''))?.textContent).toBe('subjectdelete');
    expect(writeSubject('周末爬山')).toBe(fixture('rcs/group-data/subject.written.xml'));
    const icon = 'https://rcs.example/content/abc?x=1&y=2';
    expect(writeIcon(icon)).toBe(fixture('rcs/group-data/icon.written.xml'));
    expect(parseXml(writeIcon(undefined))?.textContent).toBe('icondelete');
    expect(parseXml(writeRevokeRequest('a<b'))?.textContent).toBe('a<b');
  });
});

describe('taking a message back', () => {
  it('is answered, in whatever spelling', () => {
    const answer = (body: string) => parseRevokeAnswer(body);
    const ours =
      '<imRevoke xmlns="urn:gsma:params:xml:ns:rcs:rcs:imrevoke"><revokeResponse><message-id>m1</message-id><result>success</result></revokeResponse></imRevoke>';
    expect(answer(ours)).toEqual({ messageId: 'm1', isDone: true });
    expect(
      answer(
        '<r:IMRevoke xmlns:r="x"><r:Message-ID>m1</r:Message-ID><r:Result>Failed</r:Result></r:IMRevoke>',
      ),
    ).toEqual({ messageId: 'm1', isDone: false });
    expect(answer(writeRevokeRequest('m1'))).toBeUndefined();
    expect(answer('<imdn><message-id>m1</message-id><result>success</result></imdn>')).toBeUndefined();
  });

  it('is offered for what is on its way to one person, once', () => {
    const record = { direction: 'out', peer: BOB, state: 'sent' } as MessageRecord;
    expect(mayRevoke(record)).toBe(true);
    expect(mayRevoke({ ...record, direction: 'in' })).toBe(false);
    expect(mayRevoke({ ...record, state: 'delivered' })).toBe(false);
    expect(mayRevoke({ ...record, revocation: 'failed' })).toBe(false);
    expect(mayRevoke({ ...record, peer: 'sip:7f3a@groups.h' as Address })).toBe(false);
  });
});
