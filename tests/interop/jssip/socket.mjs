import WebSocket from 'ws';

/** The socket that JsSIP asks for, over ws. */
export class Socket {
  constructor(url) {
    this.url = url;
    this.via_transport = 'WS';
    this.sip_uri = `sip:${new URL(url).host};transport=ws`;
  }

  connect() {
    if (this.ws) return;
    this.ws = new WebSocket(this.url, 'sip');
    this.ws.on('open', () => this.onconnect());
    this.ws.on('close', (code, reason) => {
      this.ws = undefined;
      this.ondisconnect(code !== 1000, code, String(reason));
    });
    this.ws.on('error', () => {});
    this.ws.on('message', (data) => this.ondata(String(data)));
  }

  disconnect() {
    this.ws?.close();
  }

  isConnected() {
    return this.ws?.readyState === WebSocket.OPEN;
  }

  isConnecting() {
    return this.ws?.readyState === WebSocket.CONNECTING;
  }

  send(message) {
    if (!this.isConnected()) return false;
    this.ws.send(message);
    return true;
  }
}
