import { describe, expect, test } from 'vitest'
import { generateSecretString, type SecretRule } from '../../../../local/secrets-manager/generate-secret.ts'

describe('a generated secret keeps the rules', () => {
  test.each<[string, SecretRule, RegExp]>([
    ['32 characters by default', {}, /^[!-~]{32}$/],
    ['without punctuation', { ExcludePunctuation: true, PasswordLength: 48 }, /^[A-Za-z0-9]{48}$/],
    [
      'lower case alone',
      { ExcludePunctuation: true, ExcludeNumbers: true, ExcludeUppercase: true },
      /^[a-z]{32}$/,
    ],
    [
      'without given characters',
      {
        ExcludeLowercase: true,
        ExcludeUppercase: true,
        ExcludePunctuation: true,
        ExcludeCharacters: '01234567',
      },
      /^[89]{32}$/,
    ],
    ['one of each type', { PasswordLength: 4 }, /^(?=.*[a-z])(?=.*[A-Z])(?=.*[0-9])(?=.*[^A-Za-z0-9]).{4}$/],
    [
      'a key of a template',
      { SecretStringTemplate: '{"user":"me"}', GenerateStringKey: 'current', ExcludePunctuation: true },
      /^\{"user":"me","current":"[A-Za-z0-9]{32}"\}$/,
    ],
  ])('%s', (_, rule, expected) => {
    for (let time = 0; time < 20; time += 1) expect(generateSecretString(rule)).toMatch(expected)
  })

  test('two are different', () => {
    expect(generateSecretString({})).not.toBe(generateSecretString({}))
  })

  test('rules that leave nothing', () => {
    const rule = {
      ExcludeLowercase: true,
      ExcludeUppercase: true,
      ExcludeNumbers: true,
      ExcludePunctuation: true,
    }
    expect(() => generateSecretString(rule)).toThrow('excludes every character')
  })
})
