import { describe, expect, test } from 'vitest'
import { configurationFor } from '../../../../functions/resolve/refusal.ts'
import { CONFIG } from './config.ts'

const input = (repository: string, ref: string) => ({ trigger: 'hand' as const, repository, ref })

describe('only what hearth.yml names is warmed', () => {
  test('a configured branch', () => {
    expect(configurationFor(CONFIG, input('acme/shells', 'refs/heads/release/1.0'))).toEqual({
      name: 'acme/shells',
      refs: ['main', 'release/*'],
      attributes: ['devShells'],
      systems: ['x86_64-linux', 'aarch64-linux'],
    })
  })

  const notAmong = 'is not among the repositories of hearth.yml: add it and run `hearth config push`'
  test.each([
    ['acme/unknown', 'refs/heads/main', `acme/unknown ${notAmong}`],
    ['acme/Shells', 'refs/heads/main', `acme/Shells ${notAmong}`],
    [
      'acme/shells',
      'refs/heads/feature',
      'refs/heads/feature is not among the refs of acme/shells in hearth.yml (main, release/*)',
    ],
    [
      'acme/shells',
      'refs/tags/main',
      'refs/tags/main is not among the refs of acme/shells in hearth.yml (main, release/*)',
    ],
  ])('not %s %s', (repository, ref, message) => {
    expect(() => configurationFor(CONFIG, input(repository, ref))).toThrow(
      expect.objectContaining({ name: 'NotConfigured', message, retryable: false }) as Error,
    )
  })
})
