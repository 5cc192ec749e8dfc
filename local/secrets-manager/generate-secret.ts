import { randomInt } from 'node:crypto'

/** CloudFormation's GenerateSecretString. */
export interface SecretRule {
  PasswordLength?: number
  ExcludeCharacters?: string
  ExcludeLowercase?: boolean
  ExcludeUppercase?: boolean
  ExcludeNumbers?: boolean
  ExcludePunctuation?: boolean
  IncludeSpace?: boolean
  RequireEachIncludedType?: boolean
  SecretStringTemplate?: string
  GenerateStringKey?: string
}

/** Source: Secrets Manager API reference, GetRandomPassword, ExcludePunctuation. */
const PUNCTUATION = '!"#$%&\'()*+,-./:;<=>?@[\\]^_`{|}~'

/**
 * A random password by CloudFormation's rules, alone or as one key of a JSON object.
 * Source: CloudFormation template reference, AWS::SecretsManager::Secret GenerateSecretString; the length is 32 by default.
 * @throws Error when the rules leave nothing to choose from
 */
export function generateSecretString(rule: SecretRule): string {
  const password = generatePassword(rule)
  if (rule.SecretStringTemplate === undefined) return password
  if (rule.GenerateStringKey === undefined) throw new Error('SecretStringTemplate needs a GenerateStringKey')
  const template: Record<string, unknown> = JSON.parse(rule.SecretStringTemplate)
  return JSON.stringify({ ...template, [rule.GenerateStringKey]: password })
}

function generatePassword(rule: SecretRule): string {
  const excluded = new Set(rule.ExcludeCharacters ?? '')
  const types = [
    rule.ExcludeLowercase ? '' : 'abcdefghijklmnopqrstuvwxyz',
    rule.ExcludeUppercase ? '' : 'ABCDEFGHIJKLMNOPQRSTUVWXYZ',
    rule.ExcludeNumbers ? '' : '0123456789',
    rule.ExcludePunctuation ? '' : PUNCTUATION,
    rule.IncludeSpace ? ' ' : '',
  ]
    .map((type) => type.split('').filter((character) => !excluded.has(character)))
    .filter((type) => type.length > 0)
  const length = rule.PasswordLength ?? 32
  const all = types.flat()
  if (all.length === 0) throw new Error('GenerateSecretString excludes every character')
  // One of each type first, the rest from all, then shuffled: every allowed password can come out.
  const required = rule.RequireEachIncludedType === false ? [] : types.map(pick)
  const characters = [
    ...required,
    ...Array.from({ length: Math.max(0, length - required.length) }, () => pick(all)),
  ]
  for (let index = characters.length - 1; index > 0; index -= 1) {
    const other = randomInt(index + 1)
    const [left = '', right = ''] = [characters[index], characters[other]]
    characters[index] = right
    characters[other] = left
  }
  return characters.slice(0, length).join('')
}

function pick(characters: string[]): string {
  return characters[randomInt(characters.length)] ?? ''
}
