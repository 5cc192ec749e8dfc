import {
  type Attributes,
  InvalidAttribute,
  type JsonValue,
  structuredAttrs,
} from './derivation-attributes.ts'
import { isStorePath, type StorePath } from './store-path.ts'

/** What a derivation says about the references of one of its outputs. A specifier is a store path, or the name of an output of the same derivation. */
export interface OutputRules {
  allowedReferences?: string[]
  disallowedReferences?: string[]
  allowedRequisites?: string[]
  disallowedRequisites?: string[]
  /** of its NAR, in bytes */
  maxSize?: number
  /** of the NARs of its closure together, in bytes */
  maxClosureSize?: number
  /** it does not count among its own requisites */
  ignoreSelf?: true
  /** `unsafeDiscardReferences`: whatever it mentions, it refers to nothing */
  discardReferences?: true
}

/** By output; outputs without any rule are left out. */
export type ReferenceRules = Record<string, OutputRules>

const LISTS = [
  'allowedReferences',
  'disallowedReferences',
  'allowedRequisites',
  'disallowedRequisites',
] as const
const SIZES = ['maxSize', 'maxClosureSize'] as const

/**
 * The rules of a derivation for the references of its outputs; undefined when it has none. With structured attributes they are in `outputChecks` and
 * `unsafeDiscardReferences`, by output; otherwise they are variables, the same for all. An empty list of what is allowed allows nothing.
 * Source: Nix, src/libstore/build/local-derivation-goal.cc, `checkOutputs`; from 2.26 on src/libstore/derivation-options.cc.
 * @throws InvalidAttribute for what Nix would refuse to build with
 */
export function referenceRulesOf(drv: Attributes, outputs: string[]): ReferenceRules | undefined {
  const structured = structuredAttrs(drv)
  const rules: ReferenceRules = {}
  const common = structured === undefined ? rulesOfVariables(drv) : {}
  for (const output of outputs) {
    const own = structured === undefined ? common : rulesOfAttributes(structured, output)
    if (Object.keys(own).length > 0) rules[output] = own
  }
  return Object.keys(rules).length > 0 ? rules : undefined
}

function rulesOfVariables(drv: Attributes): OutputRules {
  const rules: OutputRules = {}
  for (const name of LISTS) {
    const value = drv.env.get(name)
    if (value !== undefined) rules[name] = value.split(/[ \t\n\r]+/).filter((word) => word !== '')
  }
  if (Object.keys(rules).length > 0) rules.ignoreSelf = true
  return rules
}

function rulesOfAttributes(attributes: Record<string, JsonValue>, output: string): OutputRules {
  const rules: OutputRules = {}
  const checks = member(attributes, 'outputChecks', output)
  if (checks !== undefined) {
    if (!isObject(checks))
      throw new InvalidAttribute(`outputChecks.${output} of the derivation must be a set`)
    for (const name of LISTS) {
      const value = own(checks, name)
      if (value !== undefined) rules[name] = strings(value, `outputChecks.${output}.${name}`)
    }
    for (const name of SIZES) {
      const value = own(checks, name)
      if (value !== undefined) rules[name] = bytes(value, `outputChecks.${output}.${name}`)
    }
    // Nix 2.8 does not know it, and is stricter: what it has built passes here.
    if (own(checks, 'ignoreSelfRefs') === true) rules.ignoreSelf = true
  }
  const discard = member(attributes, 'unsafeDiscardReferences', output) ?? false
  if (typeof discard !== 'boolean')
    throw new InvalidAttribute(`unsafeDiscardReferences.${output} of the derivation must be a boolean`)
  if (discard) rules.discardReferences = true
  return rules
}

/** What is known of a path in the closure of an output. */
export interface ReferencingPath {
  references: StorePath[]
  /** in bytes */
  narSize: number
}

/**
 * Which rules an output breaks, in words; an empty list when it keeps them all.
 * @param outputs all outputs of the derivation, by name
 * @param known the outputs, and everything that they can refer to
 */
export function brokenRules(
  path: StorePath,
  rules: OutputRules,
  outputs: Record<string, StorePath>,
  known: ReadonlyMap<StorePath, ReferencingPath>,
): string[] {
  const references = known.get(path)?.references ?? []
  const closure = closureOf(path, known)
  const requisites = rules.ignoreSelf === true ? closure.filter((other) => other !== path) : closure
  const size = known.get(path)?.narSize ?? 0
  const closureSize = closure.reduce((sum, other) => sum + (known.get(other)?.narSize ?? 0), 0)
  return [
    ...judge('allowedReferences', (named) => references.filter((used) => !named.has(used))),
    ...judge('disallowedReferences', (named) => references.filter((used) => named.has(used))),
    ...judge('allowedRequisites', (named) => requisites.filter((used) => !named.has(used))),
    ...judge('disallowedRequisites', (named) => requisites.filter((used) => named.has(used))),
    ...measure('maxSize', size),
    ...measure('maxClosureSize', closureSize),
  ]

  function judge(rule: (typeof LISTS)[number], badOf: (named: Set<string>) => StorePath[]): string[] {
    const specifiers = rules[rule]
    if (specifiers === undefined) return []
    const illegal = specifiers.filter(
      (specifier) => !isStorePath(specifier) && !Object.hasOwn(outputs, specifier),
    )
    if (illegal.length > 0)
      return [`${rule} names ${illegal.join(', ')}: neither a store path nor an output of the derivation`]
    const bad = badOf(new Set(specifiers.map((specifier) => outputs[specifier] ?? specifier)))
    return bad.length === 0 ? [] : [`${rule} forbids ${bad.toSorted().join(', ')}`]
  }

  function measure(rule: (typeof SIZES)[number], found: number): string[] {
    const most = rules[rule]
    return most === undefined || found <= most ? [] : [`${rule} allows ${most} bytes, and it has ${found}`]
  }
}

function closureOf(path: StorePath, known: ReadonlyMap<StorePath, ReferencingPath>): StorePath[] {
  const closure = new Set([path])
  // a set that grows while it is walked: what is added is visited, too
  for (const member of closure)
    for (const reference of known.get(member)?.references ?? []) closure.add(reference)
  return [...closure]
}

function member(attributes: Record<string, JsonValue>, name: string, output: string): JsonValue | undefined {
  const set = own(attributes, name)
  if (set === undefined) return undefined
  if (!isObject(set)) throw new InvalidAttribute(`${name} of the derivation must be a set`)
  return own(set, output)
}

function own(object: Record<string, JsonValue>, name: string): JsonValue | undefined {
  return Object.hasOwn(object, name) ? object[name] : undefined
}

function isObject(value: JsonValue): value is Record<string, JsonValue> {
  return value !== null && typeof value === 'object' && !Array.isArray(value)
}

function strings(value: JsonValue, name: string): string[] {
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value
  throw new InvalidAttribute(`${name} of the derivation must be a list of strings`)
}

function bytes(value: JsonValue, name: string): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0) return value
  throw new InvalidAttribute(`${name} of the derivation must be a number of bytes`)
}
