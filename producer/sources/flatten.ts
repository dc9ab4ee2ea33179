/** JSON values as the text attributes of an event, with nothing dropped but nulls of the top level. */
export type Fields = Readonly<Record<string, unknown>>;

const KEY = /^[a-z][a-z0-9_.-]{0,63}$/;
const MAX_KEYS = 200;
const MAX_DEPTH = 4;

/**
 * Collects attributes under snake-case names: `tlsDetails: {tlsVersion: "TLSv1.3"}` becomes
 * `tls_details.tls_version`. Text stays as it is; lists, and objects with names that make no key,
 * become RFC 8785 JSON text. A top-level name that makes no free key goes into the object `other`.
 */
export class Attributes {
  readonly #values = new Map<string, string>();
  readonly #other: [string, unknown][] = [];

  add(name: string, value: unknown): void {
    if (value === null || value === undefined) return;
    const flat = new Map<string, string>();
    if (!flatten(snakeCase(name), value, 1, flat) || !this.#take(flat)) {
      this.#other.push([name, value]);
    }
  }

  /** As JSON text in one attribute, however it is made. */
  addWhole(name: string, value: unknown): void {
    if (value === null || value === undefined) return;
    const key = snakeCase(name);
    if (!KEY.test(key) || !this.#take(new Map([[key, canonicalJson(value)]]))) {
      this.#other.push([name, value]);
    }
  }

  values(): Readonly<Record<string, string>> {
    const entries = [...this.#values];
    if (this.#other.length > 0) {
      entries.push(['other', canonicalJson(Object.fromEntries(this.#other))]);
    }
    return Object.fromEntries(entries);
  }

  #take(flat: ReadonlyMap<string, string>): boolean {
    if (this.#values.size + flat.size > MAX_KEYS) return false;
    for (const key of flat.keys()) if (key === 'other' || this.#values.has(key)) return false;
    for (const [key, value] of flat) this.#values.set(key, value);
    return true;
  }
}

/** false where `key` is none, or is taken; `into` then holds nothing of the value. */
function flatten(key: string, value: unknown, depth: number, into: Map<string, string>): boolean {
  if (!KEY.test(key) || into.has(key)) return false;
  const entries = Object.entries(fieldsOf(value) ?? {});
  if (entries.length > 0 && depth < MAX_DEPTH) {
    const inner = new Map<string, string>();
    const fits = entries.every(([name, item]) =>
      flatten(`${key}.${snakeCase(name)}`, item, depth + 1, inner),
    );
    if (fits) {
      for (const [name, item] of inner) into.set(name, item);
      return true;
    }
  }
  into.set(key, typeof value === 'string' ? value : canonicalJson(value));
  return true;
}

/** awsRegion → aws_region, ARN → arn, userIDs → user_ids. */
function snakeCase(name: string): string {
  return name
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replaceAll(/([A-Z])([A-Z][a-z]{2,})/g, '$1_$2')
    .toLowerCase();
}

/** RFC 8785: members sorted by UTF-16 code units, numbers as ECMAScript writes them. */
function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  const fields = fieldsOf(value);
  if (fields === null) return JSON.stringify(value);
  const members = Object.keys(fields)
    .sort()
    .map((name) => `${JSON.stringify(name)}:${canonicalJson(fields[name])}`);
  return `{${members.join(',')}}`;
}

export function fieldsOf(value: unknown): Fields | null {
  const object = typeof value === 'object' && value !== null && !Array.isArray(value);
  return object ? (value as Fields) : null;
}

export function text(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}
