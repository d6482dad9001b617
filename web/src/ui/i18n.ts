/** The handset's words in Chinese and English, and dates and times as each language writes them. */
import { computed, effect, signal } from '@preact/signals';

export type Language = 'zh-CN' | 'en';
export type LanguageChoice = Language | 'auto';

const KEY = 'hongyan.language';

export const languageChoice = signal<LanguageChoice>(readChoice());
export const language = computed<Language>(() =>
  languageChoice.value === 'auto' ? preferredLanguage(navigator.languages) : languageChoice.value,
);

effect(() => {
  localStorage.setItem(KEY, languageChoice.value);
  document.documentElement.lang = language.value;
});

/** Chinese for whoever prefers it to English, English for everybody else. */
export function preferredLanguage(languages: readonly string[]): Language {
  const first = languages.find((tag) => /^(zh|en)\b/i.test(tag));
  return first?.toLowerCase().startsWith('zh') ? 'zh-CN' : 'en';
}

const WORDS = {
  appName: ['鸿雁', 'Hongyan'],
  tagline: ['开放的 5G 消息', 'Open 5G messaging'],
  signInTitle: ['登录您的号码', 'Sign in with your number'],
  number: ['手机号码', 'Phone number'],
  password: ['密码', 'Password'],
  showPassword: ['显示密码', 'Show password'],
  hidePassword: ['隐藏密码', 'Hide password'],
  signIn: ['登录', 'Sign in'],
  signingIn: ['正在登录…', 'Signing in…'],
  signOut: ['退出登录', 'Sign out'],
  signInHint: [
    '演示号码和密码显示在服务器启动时的终端里。',
    'Demo numbers and their password are shown where the server was started.',
  ],
  badNumber: ['请输入完整的手机号码。', 'Please enter a complete phone number.'],
  refused: ['号码或密码不正确。', 'The number or the password is not right.'],
  forbidden: [
    '网络没有接受此设备：同时登录的设备可能太多。',
    'The network did not admit this device. There may be too many signed in.',
  ],
  unreachable: ['无法连接服务器，正在重试…', 'The server can’t be reached. Trying again…'],
  cancel: ['取消', 'Cancel'],
  close: ['关闭', 'Close'],
  back: ['返回', 'Back'],
  done: ['完成', 'Done'],
  messages: ['消息', 'Messages'],
  conversations: ['会话', 'Conversations'],
  newConversation: ['新建会话', 'New conversation'],
  settings: ['设置', 'Settings'],
  search: ['搜索', 'Search'],
  searchAll: ['搜索会话和消息', 'Search conversations and messages'],
  searchConversation: ['在此会话中搜索', 'Search in this conversation'],
  foundMessages: ['消息', 'Messages'],
  searching: ['正在搜索…', 'Searching…'],
  noMessageFound: ['没有找到消息', 'No message found'],
  found: ['找到 {n} 条消息', '{n} messages found'],
  hitOf: ['{i}/{n}', '{i} of {n}'],
  olderHit: ['更早的结果', 'Older result'],
  newerHit: ['更新的结果', 'Newer result'],
  closeSearch: ['结束搜索', 'End the search'],
  noConversations: ['还没有消息', 'No messages yet'],
  noConversationsHint: [
    '给朋友发消息，或者找一个服务号开始。',
    'Write to a friend, or start with a service.',
  ],
  choose: ['选择一个会话', 'Choose a conversation'],
  chooseHint: ['鸿雁传书，云中寄来。', 'The wild geese carry the letters.'],
  unreadCount: ['{n} 条未读', '{n} unread'],
  unreadMessages: ['{n} 条新消息', '{n} new messages'],
  services: ['服务号', 'Services'],
  noServiceFound: ['没有找到这样的服务号', 'No such service was found'],
  toNumber: ['手机号码或服务号', 'Phone number or service'],
  toNumberHint: ['例如 138 0000 0002 或 12306', 'For example +86 138 0000 0002, or 12306'],
  startConversation: ['开始会话', 'Start conversation'],
  notAnAddress: ['这不是一个手机号码或服务号。', 'That is neither a phone number nor a service.'],
  draft: ['草稿', 'Draft'],
  you: ['我', 'You'],
  composer: ['输入消息', 'Message'],
  composerFor: ['发消息给 {name}', 'Message to {name}'],
  send: ['发送', 'Send'],
  more: ['更多', 'More'],
  shareLocation: ['发送位置', 'Share location'],
  menu: ['菜单', 'Menu'],
  openMenu: ['打开菜单', 'Open menu'],
  profile: ['服务号资料', 'Service profile'],
  start: ['开始', 'Start'],
  startHint: ['点“开始”，向 {name} 打个招呼。', 'Tap “Start” to say hello to {name}.'],
  messagesWith: ['与 {name} 的消息', 'Messages with {name}'],
  olderMessages: ['查看更早的消息', 'Show older messages'],
  jumpToLatest: ['回到最新消息', 'Jump to the latest message'],
  suggestions: ['建议回复', 'Suggested replies'],
  composing: ['正在输入…', 'typing…'],
  isComposing: ['{name} 正在输入', '{name} is typing'],
  reachable: ['5G 消息 · 在线', 'RCS · reachable now'],
  away: ['暂时离线，消息会在上线后送达', 'Away: messages arrive when they’re back'],
  noRcs: ['此号码未开通 5G 消息', 'This number has no RCS'],
  chatbot: ['服务号', 'Chatbot'],
  verified: ['已认证', 'Verified'],
  verifiedBy: ['由 {by} 认证', 'Verified by {by}'],
  connecting: ['正在连接…', 'Connecting…'],
  offline: ['已离线。消息会在恢复连接后发出。', 'Offline. Messages go out when the connection is back.'],
  tryNow: ['立即重试', 'Try now'],
  pending: ['等待发送', 'Waiting to be sent'],
  sent: ['已发送', 'Sent'],
  delivered: ['已送达', 'Delivered'],
  displayed: ['已读', 'Read'],
  failed: ['发送失败', 'Not sent'],
  retry: ['重试', 'Try again'],
  today: ['今天', 'Today'],
  yesterday: ['昨天', 'Yesterday'],
  newMessageFrom: ['{name}：{text}', '{name}: {text}'],
  kindCard: ['[卡片] {text}', 'Card: {text}'],
  kindCarousel: ['[多卡片] {text}', 'Cards: {text}'],
  kindFile: ['[文件] {text}', 'File: {text}'],
  kindImage: ['[图片]', 'Picture'],
  kindAudio: ['[语音]', 'Audio'],
  kindVideo: ['[视频]', 'Video'],
  kindLocation: ['[位置] {text}', 'Location: {text}'],
  kindChips: ['[选项]', 'Options'],
  kindSharedData: ['[设备信息]', 'Device details'],
  kindUnknown: ['[暂不支持的消息]', 'Unsupported message'],
  unknownMessage: ['这种消息暂时无法显示（{type}）。', 'This kind of message can’t be shown yet ({type}).'],
  sharedDataSent: ['已提供设备信息', 'Device details shared'],
  kindFileAlone: ['文件', 'File'],
  attach: ['添加', 'Add'],
  attachments: ['要发送的文件', 'Files to send'],
  attachPhotos: ['照片和视频', 'Photos and videos'],
  attachFile: ['文件', 'File'],
  attachContact: ['名片', 'Contact'],
  shareContact: ['发送名片', 'Send a contact card'],
  ownCard: ['我的名片', 'My own card'],
  contactFromFile: ['从文件选择 (.vcf)', 'From a file (.vcf)'],
  noContactInFile: ['文件中没有名片', 'There is no contact card in this file'],
  contactCard: ['名片', 'Contact card'],
  kindContact: ['[名片] {text}', '[Contact] {text}'],
  numberMobile: ['手机', 'Mobile'],
  numberHome: ['住宅', 'Home'],
  numberWork: ['工作', 'Work'],
  numberFax: ['传真', 'Fax'],
  writeToNumber: ['发消息给 {number}', 'Write to {number}'],
  copyThisNumber: ['复制 {number}', 'Copy {number}'],
  keepContactName: ['保存姓名', 'Keep the name'],
  saveContact: ['保存为文件', 'Save as a file'],
  attachLocation: ['位置', 'Location'],
  dropFiles: ['松手即可添加文件', 'Drop files to add them'],
  removeFile: ['移除 {name}', 'Remove {name}'],
  fileTooLarge: ['“{name}”超过了 {max} 的上限', '“{name}” is larger than {max}, the most that can be sent'],
  fileEmpty: ['“{name}”是空文件', '“{name}” is empty'],
  filesTooMany: ['一次最多发送 {n} 个文件', 'No more than {n} files at a time'],
  fileNotKept: [
    '浏览器没有空间保存“{name}”：发送完成前请不要关闭此页面',
    'The browser has no room to keep “{name}”: leave this page open until it is sent',
  ],
  fileLost: [
    '浏览器没能保存此文件，请重新选择并发送。',
    'The browser could not keep this file. Please choose it and send it again.',
  ],
  fileRefusedSize: ['文件太大，服务器没有接受。', 'The server refused the file: it is too large.'],
  fileRefusedType: ['服务器不接受这种文件。', 'The server doesn’t take files of this kind.'],
  fileRefusedRoom: ['服务器上的空间已满。', 'There is no room left on the server.'],
  fileRefused: ['服务器没有接受此文件（{reason}）。', 'The server refused the file ({reason}).'],
  uploading: ['正在上传 {name}', 'Uploading {name}'],
  uploadWaiting: ['等待上传', 'Waiting to upload'],
  downloadFile: ['下载 {name}', 'Download {name}'],
  showPicture: ['全屏查看 {name}', 'Show {name} full screen'],
  picture: ['图片', 'Picture'],
  pictureOf: ['第 {i} 张，共 {n} 张', '{i} of {n}'],
  previousPicture: ['上一张图片', 'Previous picture'],
  nextPicture: ['下一张图片', 'Next picture'],
  enlargePicture: ['放大图片', 'Enlarge the picture'],
  fitPicture: ['缩小图片', 'Fit the picture'],
  play: ['播放', 'Play'],
  pause: ['暂停', 'Pause'],
  playingPosition: ['播放位置', 'Playing position'],
  recordVoice: ['录制语音', 'Record a voice message'],
  discardRecording: ['丢弃录音', 'Discard the recording'],
  sendRecording: ['发送语音', 'Send the voice message'],
  slideToCancel: ['松手发送，左滑取消', 'Let go to send, slide left to cancel'],
  recordingTooShort: ['录音时间太短', 'That was too short'],
  messageMenu: ['消息', 'Message'],
  messageOptions: ['消息操作', 'Message options'],
  reply: ['回复', 'Reply'],
  replyTo: ['回复 {name}', 'Reply to {name}'],
  cancelReply: ['取消回复', 'Cancel the reply'],
  quoteGone: ['原消息不在此设备上', 'The message isn’t on this device'],
  react: ['表情回应', 'React'],
  reactWith: ['用 {emoji} 回应', 'React with {emoji}'],
  moreEmoji: ['更多表情', 'More emoji'],
  reactions: ['表情回应', 'Reactions'],
  reactionBy: ['{emoji}，{names}', '{emoji} by {names}'],
  reactionFailed: ['表情回应没有发出', 'The reaction could not be sent'],
  edit: ['编辑', 'Edit'],
  editing: ['编辑消息', 'Edit the message'],
  cancelEdit: ['取消编辑', 'Cancel the edit'],
  edited: ['已编辑', 'edited'],
  editFailed: ['修改没有发出', 'The edit could not be sent'],
  revoke: ['撤回', 'Take back'],
  revoking: ['正在撤回…', 'Taking it back…'],
  revoked: ['您撤回了一条消息', 'You took this message back'],
  revokeFailed: ['对方已收到，无法撤回', 'Too late to take back: it has arrived'],
  block: ['屏蔽此人', 'Block'],
  blockChatbot: ['屏蔽此服务号', 'Block this service'],
  unblock: ['取消屏蔽', 'Unblock'],
  unblocked: ['已取消屏蔽', 'Unblocked'],
  blocked: ['已屏蔽', 'Blocked'],
  blockedList: ['已屏蔽的号码', 'Blocked'],
  blockedHere: ['您已屏蔽对方，不会收到其消息。', 'You have blocked them and get none of their messages.'],
  blockHint: ['您不会再收到 {name} 的消息。', 'You will get no more messages from {name}.'],
  reportSpam: ['举报', 'Report as spam'],
  reportSpamHint: [
    '运营者会看到 {name} 的这条消息的编号和您的说明。',
    'The operator learns which message of {name} it is, and what you say of it.',
  ],
  reportConversationHint: [
    '运营者会看到 {name} 最近的消息的编号和您的说明。',
    'The operator learns which messages of {name} were the latest, and what you say of them.',
  ],
  spamKind: ['类型', 'Kind'],
  spamAdvertising: ['广告', 'Advertising'],
  spamFraud: ['诈骗', 'Fraud'],
  spamIndecent: ['低俗', 'Indecent'],
  spamOther: ['其他', 'Other'],
  spamText: ['说明（可不填）', 'What happened (optional)'],
  spamReported: ['已举报，谢谢', 'Reported, thank you'],
  nobodyBlocked: ['没有屏蔽任何人', 'Nobody is blocked'],
  copy: ['复制', 'Copy'],
  details: ['详细信息', 'Details'],
  deleteHere: ['从此设备删除', 'Delete from this device'],
  deleted: ['已删除', 'Deleted'],
  from: ['发送方', 'From'],
  written: ['时间', 'Written'],
  kind: ['类型', 'Type'],
  size: ['大小', 'Size'],
  trace: ['传送经过', 'How it went'],
  copyMessageId: ['复制消息编号', 'Copy the message ID'],
  imageFailed: ['图片无法显示', 'The picture can’t be shown'],
  mediaFailed: ['媒体无法播放', 'The recording can’t be played'],
  openFile: ['打开文件', 'Open file'],
  expires: ['{date} 前有效', 'Available until {date}'],
  expired: ['文件已过期', 'The file has expired'],
  location: ['位置', 'Location'],
  cards: ['卡片', 'Cards'],
  cardOf: ['第 {i} 张，共 {n} 张', 'Card {i} of {n}'],
  previousCard: ['上一张卡片', 'Previous card'],
  nextCard: ['下一张卡片', 'Next card'],
  openInBrowser: ['在浏览器中打开', 'Open in browser'],
  webPage: ['网页', 'Web page'],
  call: ['呼叫', 'Call'],
  callTitle: ['呼叫 {number}？', 'Call {number}?'],
  videoCallTitle: ['视频呼叫 {number}？', 'Video call {number}?'],
  callSubject: ['主题：{subject}', 'Subject: {subject}'],
  copyNumber: ['复制号码', 'Copy number'],
  copied: ['已复制', 'Copied'],
  copyFailed: ['无法复制', 'Couldn’t copy'],
  moreOnWeb: ['打开网页', 'Open web page'],
  addToCalendar: ['添加到日历', 'Add to calendar'],
  downloadEvent: ['下载日程（.ics）', 'Download event (.ics)'],
  map: ['地图', 'Map'],
  openInMaps: ['用地图应用打开', 'Open in a maps app'],
  copyCoordinates: ['复制坐标', 'Copy coordinates'],
  zoomIn: ['放大', 'Zoom in'],
  zoomOut: ['缩小', 'Zoom out'],
  mapOf: ['{name} 附近的示意图', 'Sketch map around {name}'],
  searchPlace: ['查找“{query}”', 'Find “{query}”'],
  accuracy: ['误差约 {m} 米', 'accurate to about {m} m'],
  chooseLocation: ['选择要发送的位置', 'Choose the location to send'],
  currentLocation: ['我的当前位置', 'My current location'],
  locating: ['正在定位…', 'Locating…'],
  locationDenied: [
    '无法取得当前位置，请手动选择。',
    'Your position isn’t available. Choose a place instead.',
  ],
  kmFrom: ['距{city}约 {km} 公里', 'About {km} km from {city}'],
  farFromCities: ['远离主要城市', 'Far from the larger cities'],
  nearCity: ['选择城市', 'Choose a city'],
  latitude: ['纬度', 'Latitude'],
  longitude: ['经度', 'Longitude'],
  placeLabel: ['名称（可不填）', 'Name (optional)'],
  sendLocation: ['发送此位置', 'Send this location'],
  locationConsent: [
    '只有点“发送此位置”后，对方才能看到。',
    'Nothing is shared until you tap “Send this location”.',
  ],
  recordingTitle: ['录制消息', 'Record a message'],
  recordingHint: ['录好后发送给 {name}。', 'Record it, then send it to {name}.'],
  recordingSaveHint: [
    '录音会保存到此设备，由您发送给 {name}。',
    'The recording is saved on this device for you to send to {name}.',
  ],
  sendRecordingNow: ['发送录制', 'Send the recording'],
  record: ['开始录制', 'Record'],
  stopRecording: ['停止', 'Stop'],
  saveRecording: ['保存录制', 'Save recording'],
  recordingDenied: ['无法使用麦克风或摄像头。', 'The microphone or camera can’t be used.'],
  deviceTitle: ['提供设备信息？', 'Share device details?'],
  deviceHint: [
    '{name} 想了解您的设备，用来提供更合适的内容。',
    '{name} would like to know your device, to send content that suits it.',
  ],
  deviceModel: ['设备', 'Device'],
  devicePlatform: ['系统', 'System'],
  deviceClient: ['应用', 'App'],
  deviceBattery: ['剩余电量可用', 'Battery left'],
  minutes: ['{n} 分钟', '{n} min'],
  allow: ['同意并提供', 'Share'],
  decline: ['不提供', 'Don’t share'],
  revealTitle: ['向 {name} 显示您的号码？', 'Show your number to {name}?'],
  revealHint: ['此后 {name} 会看到 {number}。', '{name} will see {number} from now on.'],
  reveal: ['显示号码', 'Show number'],
  receiptsTitle: ['发送已读回执？', 'Send read receipts?'],
  receiptsHint: [
    '对方会知道您何时读了消息。可以随时在设置里关闭。',
    'Others will know when you have read their messages. You can change this in the settings.',
  ],
  enable: ['开启', 'Turn on'],
  notNow: ['以后再说', 'Not now'],
  languageLabel: ['语言', 'Language'],
  auto: ['自动', 'Automatic'],
  appearance: ['外观', 'Appearance'],
  light: ['浅色', 'Light'],
  dark: ['深色', 'Dark'],
  keepHistory: ['在服务器上保存消息记录', 'Keep history on the server'],
  keepHistoryHint: ['供以后登录的设备取回', 'For devices that you sign in later'],
  historyOn: ['从现在起保存消息记录', 'History is kept from now on'],
  historyOff: ['不再保存，服务器上的记录已删除', 'No longer kept; the server has deleted it'],
  historyOffHint: [
    '服务器上保存的消息记录将全部删除。此设备上的消息不受影响。',
    'All that the server has kept is deleted. What is on this device stays.',
  ],
  historyTurnOff: ['停止保存并删除', 'Stop and delete'],
  historyFilling: ['正在取回消息记录 {done}/{total}', 'Fetching your history, {done} of {total}'],
  historyNotDeleted: [
    '服务器上的记录未能删除，可能会再次出现',
    'The server could not delete its copy; it may come back',
  ],
  readReceipts: ['发送已读回执', 'Send read receipts'],
  group: ['群聊', 'Group'],
  newGroup: ['发起群聊', 'New group'],
  groupSubject: ['群名称', 'Group name'],
  groupSubjectHint: ['可不填', 'Optional'],
  addByNumber: ['按号码添加成员', 'Add a member by number'],
  memberNumberHint: ['例如 138 0000 0002', 'For example +86 138 0000 0002'],
  notAMemberNumber: [
    '请输入一个尚未加入的手机号码。',
    'Enter the phone number of somebody who isn’t in yet.',
  ],
  add: ['添加', 'Add'],
  recent: ['最近联系', 'Recent'],
  membersToBe: ['已选成员', 'Chosen members'],
  createGroup: ['创建（{n} 人）', 'Create ({n})'],
  groupNotMade: ['群聊没有建成（{reason}）', 'The group could not be made ({reason})'],
  groupLeftOut: ['未能加入：{names}', 'Not brought in: {names}'],
  members: ['成员', 'Members'],
  memberCount: ['{n} 人', '{n} members'],
  admin: ['管理员', 'Admin'],
  invitedState: ['已邀请', 'Invited'],
  addMember: ['添加成员', 'Add a member'],
  removeMember: ['将 {name} 移出群聊', 'Remove {name} from the group'],
  makeAdmin: ['将 {name} 设为管理员', 'Make {name} an admin'],
  leaveGroup: ['退出群聊', 'Leave the group'],
  leaveGroupHint: [
    '退出后将不再收到此群的消息。已有的消息保留在此设备上。',
    'You will no longer get messages of this group. Those you have stay on this device.',
  ],
  notDone: ['操作没有成功（{reason}）', 'That did not work ({reason})'],
  noNetwork: ['没有网络连接', 'no connection'],
  notAMember: ['您已不在此群聊中', 'You are no longer in this group'],
  groupCreated: ['您创建了群聊', 'You created the group'],
  groupInvited: ['您加入了群聊', 'You are in the group'],
  groupInvitedBy: ['{name} 邀请您加入了群聊', '{name} brought you into the group'],
  groupAdded: ['已邀请 {name}', '{name} was invited'],
  groupJoined: ['{name} 加入了群聊', '{name} joined'],
  groupLeft: ['{name} 离开了群聊', '{name} is no longer in the group'],
  groupRenamed: ['群名称改为“{subject}”', 'The group is now called “{subject}”'],
  groupUnnamed: ['群名称已删除', 'The group has no name any more'],
  groupPictured: ['群头像已更换', 'The group has a new picture'],
  groupPicturedBy: ['{name} 更换了群头像', '{name} changed the group’s picture'],
  groupPictureGone: ['群头像已移除', 'The group has no picture any more'],
  groupPictureGoneBy: ['{name} 移除了群头像', '{name} removed the group’s picture'],
  setGroupPicture: ['设置群头像', 'Set a picture'],
  changeGroupPicture: ['更换群头像', 'Change the picture'],
  removeGroupPicture: ['移除群头像', 'Remove the picture'],
  pictureUnreadable: ['无法读取这张图片', 'This picture can’t be read'],
  groupRemovedYou: ['您已被移出群聊', 'You were removed from the group'],
  groupYouLeft: ['您退出了群聊', 'You left the group'],
  contact: ['联系人', 'Contact'],
  contactName: ['姓名', 'Name'],
  contactNameHint: ['只保存在此设备上', 'Kept on this device only'],
  claimedName: ['对方自称“{name}”', 'Calls themselves “{name}”'],
  save: ['保存', 'Save'],
  saved: ['已保存', 'Saved'],
  deleteConversation: ['删除会话', 'Delete the conversation'],
  deleteConversationHint: [
    '与 {name} 的所有消息将从此设备删除，且无法恢复。',
    'All messages with {name} are removed from this device, for good.',
  ],
  ownName: ['我的名字', 'Your name'],
  ownNameHint: ['随消息一起发送，可以不填', 'Goes with your messages; may be left empty'],
  registration: ['连接', 'Connection'],
  offlineShort: ['已离线', 'Offline'],
  registered: ['已登录', 'Signed in'],
  server: ['服务器', 'Server'],
  signedInDevices: ['已登录的设备', 'Devices signed in'],
  deviceCount: ['{n} 台（含此设备）', '{n}, this one included'],
  thisDevice: ['此设备', 'This device'],
  privacy: ['消息', 'Messages'],
  notifications: ['新消息通知', 'Notifications'],
  notificationsDenied: ['浏览器不允许此网站发送通知', 'The browser doesn’t let this site notify you'],
  storage: ['存储', 'Storage'],
  storageUsed: ['已用 {used}', '{used} in use'],
  clearData: ['清除此设备上的数据', 'Clear the data on this device'],
  clearDataHint: [
    '{number} 的消息、草稿和联系人姓名将从此浏览器删除，并退出登录。尚未发出的内容也会丢失。',
    'Messages, drafts and names of {number} are removed from this browser, and you are signed out. What hasn’t been sent is lost.',
  ],
  signedInAs: ['已登录号码', 'Signed in as'],
  website: ['网站', 'Website'],
  terms: ['服务条款', 'Terms'],
  emailLabel: ['邮箱', 'Email'],
  phone: ['电话', 'Phone'],
  addressLabel: ['地址', 'Address'],
  provider: ['提供方', 'Provided by'],
  serviceId: ['服务号码', 'Service ID'],
  sendMessage: ['发消息', 'Send a message'],
} as const satisfies Record<string, readonly [zh: string, en: string]>;

export type Word = keyof typeof WORDS;

/** The text for a key in the current language, `{name}` replaced. Reading it subscribes to the language. */
export function t(word: Word, values: Readonly<Record<string, string | number>> = {}): string {
  const text = WORDS[word][language.value === 'zh-CN' ? 0 : 1];
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}

/** The time of day of a message: 14:05. */
export function timeOfDay(at: number): string {
  return new Intl.DateTimeFormat(language.value, {
    hour: '2-digit',
    minute: '2-digit',
    hour12: false,
  }).format(at);
}

/** 1536 bytes as 1.5 KB. */
export function sizeText(bytes: number): string {
  const units = ['B', 'KB', 'MB', 'GB'];
  const step = Math.min(units.length - 1, Math.floor(Math.log2(Math.max(bytes, 1)) / 10));
  const value = bytes / 1024 ** step;
  const digits = step > 0 && value < 10 ? 1 : 0;
  return `${new Intl.NumberFormat(language.value, { maximumFractionDigits: digits }).format(value)} ${units[step]}`;
}

/** 0.5 as 50%. */
export function percent(share: number): string {
  return new Intl.NumberFormat(language.value, { style: 'percent' }).format(share);
}

/** The day on which something ends. */
export function expiryDate(at: number): string {
  return new Intl.DateTimeFormat(language.value, { month: 'short', day: 'numeric' }).format(at);
}

/** The line between the messages of two days. */
export function dayName(at: number, now: number): string {
  const days = dayNumber(now) - dayNumber(at);
  if (days === 0) return t('today');
  if (days === 1) return t('yesterday');
  const sameYear = new Date(at).getFullYear() === new Date(now).getFullYear();
  const options: Intl.DateTimeFormatOptions = { month: 'long', day: 'numeric', weekday: 'short' };
  return new Intl.DateTimeFormat(language.value, sameYear ? options : { ...options, year: 'numeric' }).format(
    at,
  );
}

/** When a conversation was last active: the time today, else the day. */
export function listTime(at: number, now: number): string {
  const days = dayNumber(now) - dayNumber(at);
  if (days <= 0) return timeOfDay(at);
  if (days === 1) return t('yesterday');
  if (days < 7) return new Intl.DateTimeFormat(language.value, { weekday: 'short' }).format(at);
  return new Intl.DateTimeFormat(language.value, { month: 'numeric', day: 'numeric' }).format(at);
}

/** To the second, for looking closely. */
export function fullTime(at: number): string {
  return new Intl.DateTimeFormat(language.value, {
    dateStyle: 'medium',
    timeStyle: 'medium',
    hour12: false,
  } as Intl.DateTimeFormatOptions).format(at);
}

/** A date with time, as in a calendar event. */
export function dateAndTime(at: Date): string {
  return new Intl.DateTimeFormat(language.value, {
    dateStyle: 'full',
    timeStyle: 'short',
    hour12: false,
  } as Intl.DateTimeFormatOptions).format(at);
}

/** From when to when, without saying the same day twice. */
export function dateRange(start: Date, end: Date): string {
  const options = { dateStyle: 'full', timeStyle: 'short', hour12: false } as Intl.DateTimeFormatOptions;
  return new Intl.DateTimeFormat(language.value, options).formatRange(start, end);
}

/** Days since 1970 in local time. */
export function dayNumber(at: number): number {
  const date = new Date(at);
  return Math.floor((at - date.getTimezoneOffset() * 60_000) / 86_400_000);
}

function readChoice(): LanguageChoice {
  const saved = localStorage.getItem(KEY);
  return saved === 'zh-CN' || saved === 'en' ? saved : 'auto';
}
