import type { System } from './contract.ts'

/** How the inputs of a flake are called among its attributes. They belong to no system: a laptop of any needs them to evaluate. */
export const FLAKE_INPUTS = { attribute: 'inputs', system: 'any' }

/** What hearth.yml asks to keep warm, by one entry of `attributes`. */
export type WantedAttribute =
  /** of the flake: `devShells`, `packages.hello`, `packages.x86_64-linux.hello` */
  | { kind: 'flake'; path: string[]; system: System | undefined }
  /** of a file: `shell.nix`, `nix/default.nix#tools.hello` */
  | { kind: 'file'; file: string; path: string[] }

// Attribute names are plain identifiers: they become part of a Nix expression.
const NAMES = String.raw`[A-Za-z_][\w'-]*(\.[A-Za-z_][\w'-]*)*`
const FLAKE_ATTRIBUTE = new RegExp(`^${NAMES}$`)
// Below the repository's top, and nowhere else: no part of it is `..`.
const FILE_ATTRIBUTE = new RegExp(String.raw`^(?!/)(?!(.*/)?\.\.?/)[\w.+/-]*[\w+-]\.nix(#${NAMES})?$`)
// The systems that Nix has ever had: processor, dash, kernel. Source: nixpkgs, lib/systems/doubles.nix.
const SYSTEM =
  /^[a-z0-9_]+-(linux|darwin|freebsd|netbsd|openbsd|cygwin|windows|solaris|redox|genode|mmixware|none|wasi|ghcjs)$/

/** Reads an entry of `attributes`; undefined when it is none. */
export function parseAttribute(text: string): WantedAttribute | undefined {
  if (FILE_ATTRIBUTE.test(text)) {
    const [file = '', path] = text.split('#')
    return { kind: 'file', file, path: path === undefined ? [] : path.split('.') }
  }
  if (!FLAKE_ATTRIBUTE.test(text)) return undefined
  const path = text.split('.')
  return { kind: 'flake', path, system: path.find((name) => SYSTEM.test(name)) }
}

/** What an entry that is none is told. */
export const ATTRIBUTE_FORM =
  'expected an attribute path such as devShells, or a file with or without one such as shell.nix or default.nix#tools'

/** Whether an entry asks for something on one of these systems: one that names a system may name another. */
export function isForSomeSystem(attribute: string, systems: System[]): boolean {
  const wanted = parseAttribute(attribute)
  return wanted?.kind !== 'flake' || systems.some((system) => pathForSystem(wanted, system) !== undefined)
}

/**
 * The attribute path of a flake for one system: the system is the second name, as in every flake, unless the path names one itself. Undefined when it names another
 * system.
 */
export function pathForSystem(
  { path, system: named }: Extract<WantedAttribute, { kind: 'flake' }>,
  system: System,
): string[] | undefined {
  if (named !== undefined) return named === system ? path : undefined
  const [first = '', ...rest] = path
  return [first, system, ...rest]
}

/** Whether an evaluated attribute is entered (`nix develop`, `nix-shell`) or installed (`nix build`): a shell needs its inputs, a package its outputs. */
export function isShell(attribute: string): boolean {
  return /^devShells?(\.|$)/.test(attribute) || isShellFile(attribute)
}

/** Whether a file, or an attribute of one, is what `nix-shell` takes by default. */
export function isShellFile(attribute: string): boolean {
  return /^([^#]*\/)?shell\.nix(#| |$)/.test(attribute)
}
