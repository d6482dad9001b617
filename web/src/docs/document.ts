/** The OpenAPI document (3.1), as far as the page shows it. */

export interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly format?: string;
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly allOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly enum?: readonly unknown[];
  readonly example?: unknown;
}

export interface Media {
  readonly schema?: Schema;
  readonly example?: unknown;
}

export interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly required?: boolean;
  readonly description?: string;
  readonly example?: unknown;
  readonly schema?: Schema;
}

export interface Operation {
  readonly operationId: string;
  readonly summary?: string;
  readonly description?: string;
  readonly tags?: readonly string[];
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: {
    readonly description?: string;
    readonly content: Readonly<Record<string, Media>>;
  };
  readonly responses: Readonly<
    Record<string, { readonly description?: string; readonly content?: Readonly<Record<string, Media>> }>
  >;
  readonly security?: readonly Readonly<Record<string, unknown>>[];
}

export interface OpenApi {
  readonly info: { readonly title: string; readonly version: string; readonly description?: string };
  readonly tags?: readonly { readonly name: string; readonly description?: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components?: { readonly schemas?: Readonly<Record<string, Schema>> };
}

/** A call: what the page lists. */
export interface Call {
  readonly method: string;
  readonly path: string;
  readonly operation: Operation;
}

const METHODS = ['get', 'post', 'put', 'patch', 'delete'];

/** The calls of each group, in the document's order; groups in the order of its tags. */
export function groups(api: OpenApi): { name: string; description: string; calls: Call[] }[] {
  const calls: Call[] = Object.entries(api.paths).flatMap(([path, item]) =>
    METHODS.flatMap((method) => {
      const operation = item[method];
      return operation ? [{ method, path, operation }] : [];
    }),
  );
  return (api.tags ?? []).map(({ name, description }) => ({
    name,
    description: description ?? '',
    calls: calls.filter((call) => call.operation.tags?.includes(name)),
  }));
}

/** Whether every word is somewhere in what a call says of itself. */
export function matches(call: Call, words: string): boolean {
  const { method, path, operation } = call;
  const text = [method, path, operation.summary, operation.description].join(' ').toLowerCase();
  return words
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word));
}

/** The schema that a reference names, and its name. */
export function resolve(api: OpenApi, schema: Schema): { name?: string; schema: Schema } {
  const name = schema.$ref?.split('/').at(-1);
  const found = name === undefined ? undefined : api.components?.schemas?.[name];
  return name !== undefined && found ? { name, schema: found } : { schema };
}

export interface Member {
  readonly name: string;
  readonly required: boolean;
  readonly schema: Schema;
}

/** The members of an object, those of what it is made of included. */
export function members(api: OpenApi, given: Schema): Member[] {
  const { schema } = resolve(api, given);
  const own = Object.entries(schema.properties ?? {}).map(([name, inner]) => ({
    name,
    required: schema.required?.includes(name) ?? false,
    schema: inner,
  }));
  return [...(schema.allOf ?? []).flatMap((part) => members(api, part)), ...own];
}

/** A type in a word or two: `string`, `Device[]`, `integer or null`. */
export function typeOf(api: OpenApi, given: Schema): string {
  const { name, schema } = resolve(api, given);
  if (name !== undefined) return name;
  const types = schema.type === undefined ? [] : [schema.type].flat();
  if (types.includes('array'))
    return `${typeOf(api, schema.items ?? {})}[]${types.length > 1 ? ' or null' : ''}`;
  if (schema.oneOf) return schema.oneOf.map((one) => typeOf(api, one)).join(' or ');
  return types.join(' or ') || 'anything';
}

/** The example of a body, from the body itself or from its type. */
export function exampleOf(api: OpenApi, media: Media): unknown {
  return media.example ?? (media.schema ? resolve(api, media.schema).schema.example : undefined);
}

/** The call as a command line. */
export function curl(api: OpenApi, call: Call, origin: string): string {
  const { method, operation } = call;
  let path = call.path;
  for (const parameter of operation.parameters ?? []) {
    if (parameter.in === 'path' && parameter.example !== undefined) {
      path = path.replace(`{${parameter.name}}`, encodeURIComponent(String(parameter.example)));
    }
  }
  const parts = [`curl -X ${method.toUpperCase()} '${origin}${path}'`];
  const needs = operation.security?.flatMap((one) => Object.keys(one)) ?? [];
  if (needs.includes('admin')) parts.push(`-H "authorization: Bearer $(cat data/admin-token)"`);
  if (needs.includes('subscriber')) parts.push(`--digest -u '+8613800000001:PASSWORD'`);
  if (needs.includes('accessToken')) parts.push(`-H 'authorization: accessToken TOKEN'`);
  const json = operation.requestBody?.content['application/json'];
  const example = json && exampleOf(api, json);
  if (json) parts.push(`-H 'content-type: application/json'`);
  if (example !== undefined) parts.push(`-d '${JSON.stringify(example).replaceAll("'", "'\\''")}'`);
  return parts.join(' \\\n  ');
}
