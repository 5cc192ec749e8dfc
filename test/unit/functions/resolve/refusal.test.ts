import { describe, expect, test } from 'vitest'
import { configurationFor } from '../../../../functions/resolve/refusal.ts'
import { CONFIG } from './config.ts'

const input = (repository: string, ref: string) => ({ trigger: 'hand' as const, repository, ref })

describe('only what hearth.yml names is warmed', () => {
  test('a configured branch', () => {
    const configured = configurationFor(CONFIG, input('acme/shells', 'refs/heads/release/1.0'))
    expect(configured).toBe(CONFIG.repositories[0])
  })

  const notAmong = 'is not among the repositories of hearth.yml: add it and run `hearth config push`'
  test.each([
    ['acme/unknown', 'refs/heads/main', `acme/unknown ${notAmong}`],
    ['acme/Shells', 'refs/heads/main', `acme/Shells ${notAmong}`],
    [
      'acme/shells',
      'refs/heads/feature',
      'refs/heads/feature is not among the refs of acme/shells in hearth.yml (main, release/*, tag v*)',
    ],
    [
      'acme/shells',
      'refs/tags/main',
      'refs/tags/main is not among the refs of acme/shells in hearth.yml (main, release/*, tag v*)',
    ],
  ])('not %s %s', (repository, ref, message) => {
    expect(() => configurationFor(CONFIG, input(repository, ref))).toThrow(
      expect.objectContaining({ name: 'NotConfigured', message, retryable: false }) as Error,
    )
  })
})
