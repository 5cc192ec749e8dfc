import type { Derivation } from '../../nix/derivation.ts'

/** A derivation as Nix writes it: an ATerm, every set sorted by bytes. Of a derivation that was read as latin1, one character is one byte. */
export function printDerivation({
  outputs,
  inputDrvs,
  inputSrcs,
  system,
  builder,
  args,
  env,
}: Derivation): string {
  const fields = [
    list(
      sorted(Object.entries(outputs)).map(([name, { path, hashAlgo, hash }]) =>
        tuple([name, path, hashAlgo, hash].map(quote)),
      ),
    ),
    list(
      sorted([...inputDrvs]).map(([path, names]) =>
        tuple([quote(path), list([...new Set(names)].sort(compare).map(quote))]),
      ),
    ),
    list([...new Set<string>(inputSrcs)].sort(compare).map(quote)),
    quote(system),
    quote(builder),
    list(args.map(quote)),
    list(sorted([...env]).map((variable) => tuple(variable.map(quote)))),
  ]
  return `Derive${tuple(fields)}`
}

const ESCAPES: Record<string, string> = { '"': '\\"', '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' }

function quote(text: string): string {
  return `"${text.replace(/["\\\n\r\t]/g, (character) => ESCAPES[character] ?? character)}"`
}

function list(items: string[]): string {
  return `[${items.join(',')}]`
}

function tuple(items: string[]): string {
  return `(${items.join(',')})`
}

function sorted<T>(entries: [string, T][]): [string, T][] {
  return [...new Map(entries)].sort(([a], [b]) => compare(a, b))
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
