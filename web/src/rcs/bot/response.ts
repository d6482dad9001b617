/** What a tap sends to the chatbot (`application/vnd.gsma.botsuggestion.response.v1.0+json`). */
import { object, parseJsonObject, text } from './json';

/** Postback data with which a conversation is opened (RCC.07). */
export const NEW_BOT_USER_INITIATION = 'new_bot_user_initiation';

export interface SuggestionResponse {
  readonly kind: 'reply' | 'action';
  readonly displayText: string;
  readonly postback: string | undefined;
}

export function writeSuggestionResponse(response: SuggestionResponse): string {
  const { kind, displayText, postback } = response;
  const members = postback === undefined ? { displayText } : { displayText, postback: { data: postback } };
  return JSON.stringify({ response: { [kind]: members } });
}

/** Reads one, as our own history holds them. */
export function parseSuggestionResponse(body: string): SuggestionResponse | undefined {
  const response = object(parseJsonObject(body)?.response);
  const kind = object(response?.reply) ? 'reply' : 'action';
  const members = object(response?.[kind]);
  const displayText = text(members?.displayText, 200);
  if (displayText === undefined) return undefined;
  const data = object(members?.postback)?.data;
  return { kind, displayText, postback: typeof data === 'string' ? data : undefined };
}
