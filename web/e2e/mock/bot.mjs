/** The scripted chatbot: enough cards, chips and actions to look at every view. It knows no trains. */
import { randomUUID } from 'node:crypto';
import { header } from './sip.mjs';

export const BOT_URI = 'sip:12306@botplatform.hongyan.local';

const BOT_MESSAGE = 'application/vnd.gsma.botmessage.v1.0+json';
const BOT_SUGGESTION = 'application/vnd.gsma.botsuggestion.v1.0+json';

const reply = (displayText, data) => ({ reply: { displayText, postback: { data } } });
const action = (displayText, members, data) => ({
  action: { displayText, ...(data === undefined ? {} : { postback: { data } }), ...members },
});

export function botInfo(url, language) {
  const zh = language.startsWith('zh');
  return {
    botinfo: {
      pcc: {
        'pcc-type': 'org',
        'org-details': {
          'org-name': [{ 'display-name': zh ? '12306 铁路' : '12306 Rail' }],
          'org-description': zh
            ? '查询、预订、改签高铁车票。'
            : 'Search, book and change high-speed rail tickets.',
          'comm-addr': { tel: { 'tel-nb': { 'tel-str': '+8612306' }, label: 'CallbackNumber' } },
          'media-list': {
            'media-entry': [{ label: 'Icon', media: { 'media-url': `${url}/content/bot.svg` } }],
          },
          'category-list': { 'category-entry': [zh ? '出行' : 'Travel'] },
        },
      },
      version: '1',
      provider: zh ? '鸿雁演示' : 'Hongyan demo',
      colour: '#0A66C2',
      website: 'https://example.com/',
    },
    'persistent-menu': {
      menu: {
        entries: [
          reply(zh ? '我的订单' : 'My orders', 'orders'),
          {
            menu: {
              displayText: zh ? '更多' : 'More',
              entries: [
                action(zh ? '客服电话' : 'Call us', {
                  dialerAction: { dialPhoneNumber: { phoneNumber: '+8612306' } },
                }),
                reply(zh ? '帮助' : 'Help', 'help'),
              ],
            },
          },
        ],
      },
    },
    'bot-verification': { 'verification-info': { verified: true, 'verified-by': zh ? '鸿雁' : 'Hongyan' } },
  };
}

/** What the chatbot answers to one MESSAGE: reports, and a message with chips. */
export function botReplies(url, request) {
  const [outer = '', inner = '', ...rest] = request.body.split('\r\n\r\n');
  const payload = rest.join('\r\n\r\n');
  const type = /^Content-Type: *(\S+)/im.exec(inner)?.[1] ?? '';
  if (type.startsWith('message/imdn') || type.includes('iscomposing')) return [];
  const messageId = /Message-ID: *(\S+)/i.exec(outer)?.[1] ?? '';
  const conversation = ['Conversation-ID', header(request, 'Conversation-ID') ?? randomUUID()];
  const send = (contentType, body, asks = false) => ({
    headers: [conversation, ['Contribution-ID', randomUUID()], ['Content-Type', 'message/cpim']],
    body: cpim(contentType, body, asks),
  });
  const reports = ['delivery:delivered', 'display:displayed'].map((report) => {
    const [kind, status] = report.split(':');
    const xml =
      `<imdn xmlns="urn:ietf:params:xml:ns:imdn"><message-id>${messageId}</message-id>` +
      `<${kind}-notification><status><${status}/></status></${kind}-notification></imdn>`;
    return send('message/imdn+xml', xml);
  });
  const said = type.includes('json')
    ? (JSON.parse(payload).response?.reply ?? JSON.parse(payload).response?.action)
    : undefined;
  const answers = script(url, said?.postback?.data ?? payload.trim());
  return [...reports, ...answers.map(([contentType, body]) => send(contentType, body, true))];
}

function script(url, said) {
  const image = (name, height = 'SHORT_HEIGHT') => ({
    mediaUrl: `${url}/content/${name}`,
    mediaContentType: 'image/svg+xml',
    mediaFileSize: 2000,
    height,
    contentDescription: 'A train',
  });
  if (/北京|beijing|search/i.test(said)) {
    const trains = [
      ['G1', '07:00', '11:29', 553],
      ['G5', '08:00', '12:33', 553],
      ['G13', '10:00', '14:28', 553],
      ['G17', '12:00', '16:36', 576],
    ];
    const carousel = {
      message: {
        generalPurposeCardCarousel: {
          layout: { cardWidth: 'MEDIUM_WIDTH', titleFontStyle: ['bold'] },
          content: trains.map(([train, from, to, fare]) => ({
            media: image(`${train}.svg`),
            title: `${train} ${from} → ${to}`,
            description: `北京南 → 上海虹桥\n二等座 ¥${fare} · 有票`,
            suggestions: [reply('订二等座', `buy ${train} 2`), reply('订一等座', `buy ${train} 1`)],
          })),
        },
      },
    };
    return [
      mixed(BOT_MESSAGE, carousel, [
        reply('更早', 'earlier'),
        reply('更晚', 'later'),
        reply('换日期', 'date'),
      ]),
    ];
  }
  if (/^buy/.test(said)) {
    const card = {
      message: {
        generalPurposeCard: {
          layout: { cardOrientation: 'VERTICAL' },
          content: {
            media: image('ticket.svg', 'MEDIUM_HEIGHT'),
            title: '订单已保留 10 分钟',
            description: 'G1 北京南 → 上海虹桥，05 车 12F，二等座 ¥553',
            suggestions: [
              action(
                '去支付',
                { urlAction: { openUrl: { url: `${url}/pay`, application: 'webview', viewMode: 'tall' } } },
                'pay',
              ),
              action('添加到日历', {
                calendarAction: {
                  createCalendarEvent: {
                    startTime: '2026-12-01T07:00:00+08:00',
                    endTime: '2026-12-01T11:29:00+08:00',
                    title: 'G1 北京南 → 上海虹桥',
                    description: '05 车 12F',
                  },
                },
              }),
              action('车站位置', {
                mapAction: {
                  showLocation: { location: { latitude: 39.8652, longitude: 116.3785, label: '北京南站' } },
                },
              }),
            ],
          },
        },
      },
    };
    return [mixed(BOT_MESSAGE, card, [reply('取消订单', 'cancel'), reply('我的订单', 'orders')])];
  }
  if (/^all/.test(said)) return [mixed('text/plain', '每一种操作：', everyAction(url))];
  if (/^card/.test(said)) return cards(url, image);
  return [
    mixed(
      'text/plain',
      `您好！我可以帮您查询和预订高铁车票。\n您说的是：“${said}”。网站 https://example.com/rail`,
      [
        reply('明天北京到上海', 'search'),
        reply('我的订单', 'orders'),
        action('发送位置', { mapAction: { requestLocationPush: {} } }, 'location'),
        action('客服电话', { dialerAction: { dialPhoneNumber: { phoneNumber: '+8612306' } } }),
      ],
    ),
  ];
}

function everyAction(url) {
  return [
    action('浏览器', { urlAction: { openUrl: { url: `${url}/pay`, application: 'browser' } } }),
    action(
      '网页',
      { urlAction: { openUrl: { url: `${url}/pay`, application: 'webview', viewMode: 'half' } } },
      'web',
    ),
    action('视频呼叫', { dialerAction: { dialVideoCall: { phoneNumber: '+8612306' } } }),
    action('地图', { mapAction: { showLocation: { location: { query: '北京南站' } } } }),
    action('位置', { mapAction: { requestLocationPush: {} } }),
    action('短信', {
      composeAction: { composeTextMessage: { phoneNumber: '+8613800000002', text: '你好' } },
    }),
    action('录音', {
      composeAction: { composeRecordingMessage: { phoneNumber: '+8613800000002', type: 'AUDIO' } },
    }),
    action('设备', { deviceAction: { requestDeviceSpecifics: {} } }),
    action('显示号码', { settingsAction: { disableAnonymization: {} } }, 'reveal'),
    action('已读回执', { settingsAction: { enableDisplayedNotifications: {} } }),
  ];
}

function cards(url, image) {
  const horizontal = {
    message: {
      generalPurposeCard: {
        layout: { cardOrientation: 'HORIZONTAL', imageAlignment: 'LEFT', titleFontStyle: ['bold'] },
        content: {
          media: image('station.svg'),
          title: '北京南站',
          description: '请提前 30 分钟到站安检。',
          suggestions: [reply('知道了', 'ok')],
        },
      },
    },
  };
  const small = {
    message: {
      generalPurposeCardCarousel: {
        layout: { cardWidth: 'SMALL_WIDTH' },
        content: ['一等座', '二等座', '商务座', '无座', '硬卧'].map((title) => ({
          media: image('seat.svg'),
          title,
        })),
      },
    },
  };
  const broken = {
    message: {
      generalPurposeCard: {
        layout: { cardOrientation: 'VERTICAL' },
        content: {
          media: { ...image('x'), mediaUrl: `${url}/nothing.jpg`, height: 'TALL_HEIGHT' },
          title: '图片缺失',
        },
      },
    },
  };
  return [horizontal, small, broken].map((message) => [BOT_MESSAGE, JSON.stringify(message)]);
}

function mixed(contentType, content, suggestions) {
  const body = typeof content === 'string' ? content : JSON.stringify(content);
  const part = (type, text) =>
    `--next\r\nContent-Type: ${type}\r\nContent-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}\r\n`;
  return [
    'multipart/mixed; boundary="next"',
    `${part(contentType, body)}${part(BOT_SUGGESTION, JSON.stringify({ suggestions }))}--next--`,
  ];
}

function cpim(contentType, body, asks) {
  return [
    `From: <${BOT_URI}>`,
    'To: <sip:anonymous@anonymous.invalid>',
    'NS: imdn <urn:ietf:params:imdn>',
    `imdn.Message-ID: ${randomUUID()}`,
    `DateTime: ${new Date().toISOString()}`,
    ...(asks ? ['imdn.Disposition-Notification: positive-delivery, display'] : []),
    '',
    `Content-Type: ${contentType}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    '',
    body,
  ].join('\r\n');
}

/** Pictures are drawn, so that no binary file is needed. */
export function picture(name) {
  if (!name.endsWith('.svg')) return undefined;
  const hue = [...name].reduce((sum, c) => sum + c.charCodeAt(0), 0) % 360;
  const square = name === 'bot.svg';
  const [w, h] = square ? [96, 96] : [464, 264];
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${w} ${h}" width="${w}" height="${h}">
<rect width="${w}" height="${h}" fill="hsl(${hue} 45% ${square ? 35 : 78}%)"/>
<path d="M0 ${h * 0.7}Q${w * 0.5} ${h * 0.5} ${w} ${h * 0.62}V${h}H0z" fill="hsl(${hue} 40% 55%)"/>
<path d="M${w * 0.08} ${h * 0.66}h${w * 0.6}q${w * 0.22} 0 ${w * 0.26} ${h * 0.16}h${-w * 0.86}z" fill="#fff"/>
<path d="M${w * 0.12} ${h * 0.7}h${w * 0.5}v${h * 0.06}h${-w * 0.5}z" fill="hsl(${hue} 60% 30%)"/></svg>`;
}
