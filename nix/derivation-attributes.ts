import { type Derivation, hasKnownOutputPaths } from './derivation.ts'

export type JsonValue = null | boolean | number | string | JsonValue[] | { [name: string]: JsonValue }

/** An attribute of a derivation that Nix would refuse to build with. */
export class InvalidAttribute extends Error {
  override name = 'InvalidAttribute'
}

/** What the functions here need of a derivation. */
export type Attributes = Pick<Derivation, 'env'>

/**
 * The attributes of a derivation with `__structuredAttrs = true`: the JSON that its file keeps in the variable `__json`. Undefined for any other.
 * @throws InvalidAttribute when `__json` holds no JSON object
 */
export function structuredAttrs(drv: Attributes): Record<string, JsonValue> | undefined {
  const json = drv.env.get('__json')
  if (json === undefined) return undefined
  let value: JsonValue
  try {
    value = JSON.parse(json)
  } catch (error) {
    throw new InvalidAttribute(
      `__json of the derivation is no JSON: ${error instanceof Error ? error.message : String(error)}`,
    )
  }
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    throw new InvalidAttribute('__json of the derivation is no JSON object')
  }
  return value
}

/**
 * The system features that a builder must have, sorted, each once; `ca-derivations` among them when an output path is known only after the build.
 * Source: Nix, `ParsedDerivation::getRequiredSystemFeatures`.
 * @throws InvalidAttribute
 */
export function requiredSystemFeatures(drv: Attributes & Pick<Derivation, 'outputs'>): string[] {
  const features = new Set(strings(drv, 'requiredSystemFeatures'))
  if (!hasKnownOutputPaths(drv)) features.add('ca-derivations')
  return [...features].sort()
}

/**
 * Whether clients take the outputs from a cache. False (`allowSubstitutes = false`): they build it themselves, unless they set
 * `always-allow-substitutes`. Source: Nix, `ParsedDerivation::substitutesAllowed`.
 * @throws InvalidAttribute
 */
export function allowSubstitutes(drv: Attributes): boolean {
  const structured = structuredAttrs(drv)
  if (structured === undefined) return (drv.env.get('allowSubstitutes') ?? '1') === '1'
  const value = attribute(structured, 'allowSubstitutes') ?? true
  if (typeof value !== 'boolean')
    throw new InvalidAttribute('allowSubstitutes of the derivation must be a boolean')
  return value
}

function strings(drv: Attributes, name: string): string[] {
  const structured = structuredAttrs(drv)
  if (structured === undefined)
    return (drv.env.get(name) ?? '').split(/[ \t\n\r]+/).filter((word) => word !== '')
  const value = attribute(structured, name) ?? []
  if (!isStrings(value)) throw new InvalidAttribute(`${name} of the derivation must be a list of strings`)
  return value
}

function isStrings(value: JsonValue): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string')
}

function attribute(attributes: Record<string, JsonValue>, name: string): JsonValue | undefined {
  return Object.hasOwn(attributes, name) ? attributes[name] : undefined
}
