import { ATermReader } from './aterm-reader.ts'
import { ATermEnvironment, type Environment } from './environment.ts'
import { InvalidStorePath, isStorePath, nameOf, parseStorePath, type StorePath } from './store-path.ts'

/** One output of a derivation. All three are empty for an output whose path depends on a content-addressed input ("deferred"). */
export interface DerivationOutput {
  /** empty when it is known only after the build: floating content-addressed, deferred, impure */
  path: StorePath | ''
  /** `sha256`, `r:sha256` (`r:` = of the NAR), …; empty for an input-addressed output */
  hashAlgo: string
  /** the declared hash in base16, `impure`, or empty */
  hash: string
}

/** What a `.drv` file says. `outputs` has no prototype: every name is the file's own. */
export interface Derivation {
  outputs: Record<string, DerivationOutput>
  /** derivation -> the names of its outputs that are used */
  inputDrvs: Map<StorePath, string[]>
  inputSrcs: StorePath[]
  system: string
  builder: string
  args: string[]
  env: Environment
}

/** Text that is no derivation; `offset` is where, in characters. */
export class InvalidDerivation extends Error {
  override name = 'InvalidDerivation'
  offset: number
  constructor(reason: string, offset: number) {
    super(`not a derivation: ${reason} at offset ${offset}`)
    this.offset = offset
  }
}

/**
 * Parses a `.drv` file: one ATerm, `Derive([outputs],[inputDrvs],[inputSrcs],system,builder,[args],[env])`. Its form is the same from Nix 2.8 to 2.34.
 * Only what Nix itself writes is accepted: no white space, variables sorted by name, nothing behind the term. Source: Nix, src/libstore/derivations.cc, `parseDerivation`.
 *
 * Bytes are read as UTF-8; a byte that is none becomes U+FFFD. Who needs every byte decodes the file as latin1 and passes the text: everything that the
 * parser looks at is ASCII.
 * @throws InvalidDerivation with the offset
 */
export function parseDerivation(text: string | Uint8Array): Derivation {
  const reader = new ATermReader(typeof text === 'string' ? text : decode(text), fail)
  if (isDynamicDerivation(reader.text)) {
    return fail('a dynamic derivation (experimental in Nix), which Hearth does not build', 0)
  }
  reader.expect('Derive([')
  const outputs: Record<string, DerivationOutput> = Object.create(null)
  reader.list(() => readOutput(reader, outputs))
  reader.expect(',[')
  const inputDrvs = new Map<StorePath, string[]>()
  reader.list(() => readInput(reader, inputDrvs))
  reader.expect(',[')
  const inputSrcs: StorePath[] = []
  reader.list(() => inputSrcs.push(readStorePath(reader)))
  reader.expect(',')
  const system = reader.string()
  reader.expect(',')
  const builder = reader.string()
  reader.expect(',[')
  const args: string[] = []
  reader.list(() => args.push(reader.string()))
  reader.expect(',[')
  const env = new ATermEnvironment(reader, fail)
  reader.expect(')')
  reader.end()
  return { outputs, inputDrvs, inputSrcs, system, builder, args, env }
}

/** Whether the text of a `.drv` file is that of a dynamic derivation: one of its inputs is the output of a derivation that another one makes. */
export function isDynamicDerivation(text: string): boolean {
  return text.startsWith('DrvWithVersion(')
}

/** What a `.drv` file refers to: the derivations and the sources that it needs. */
export function referencesOf(drv: Pick<Derivation, 'inputDrvs' | 'inputSrcs'>): StorePath[] {
  return [...new Set([...drv.inputDrvs.keys(), ...drv.inputSrcs])].sort()
}

/** The name of the derivation at a path: `hello-2.12` for `/nix/store/…-hello-2.12.drv`. */
export function derivationNameOf(path: StorePath): string {
  const name = nameOf(path)
  return name.endsWith('.drv') ? name.slice(0, -'.drv'.length) : name
}

/** Whether its one output is fixed: its content has a declared hash, and so its inputs do not matter once it is there. */
export function isFixedOutput(drv: Pick<Derivation, 'outputs'>): boolean {
  const names = Object.keys(drv.outputs)
  const hash = drv.outputs['out']?.hash ?? ''
  return names.length === 1 && hash !== '' && hash !== 'impure'
}

/** Whether every output's path is known before the build. False for floating content-addressed, deferred and impure derivations. */
export function hasKnownOutputPaths(drv: Pick<Derivation, 'outputs'>): boolean {
  return Object.values(drv.outputs).every((output) => output.path !== '')
}

function readOutput(reader: ATermReader, outputs: Record<string, DerivationOutput>): void {
  reader.expect('(')
  const start = reader.offset
  const name = reader.string()
  reader.expect(',')
  const pathStart = reader.offset
  const path = reader.string()
  reader.expect(',')
  const hashAlgo = reader.string()
  reader.expect(',')
  const hash = reader.string()
  reader.expect(')')
  if (name in outputs) fail(`a second output '${name}'`, start)
  outputs[name] = { path: path === '' ? '' : toStorePath(path, pathStart), hashAlgo, hash }
}

function readInput(reader: ATermReader, inputDrvs: Map<StorePath, string[]>): void {
  reader.expect('(')
  const start = reader.offset
  const path = readStorePath(reader)
  reader.expect(',[')
  const outputs: string[] = []
  reader.list(() => outputs.push(reader.string()))
  reader.expect(')')
  if (inputDrvs.has(path)) fail(`a second input ${path}`, start)
  inputDrvs.set(path, outputs)
}

function readStorePath(reader: ATermReader): StorePath {
  const start = reader.offset
  return toStorePath(reader.string(), start)
}

function toStorePath(text: string, offset: number): StorePath {
  if (isStorePath(text)) return text
  try {
    return parseStorePath(text)
  } catch (error) {
    if (error instanceof InvalidStorePath) return fail(error.message, offset)
    throw error
  }
}

function decode(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8')
}

function fail(reason: string, offset: number): never {
  throw new InvalidDerivation(reason, offset)
}
