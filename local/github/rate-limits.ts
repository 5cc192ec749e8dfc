import { type Answer, refusal } from './answers.ts'
import type { Caller } from './caller.ts'
import type { Clock } from './clock.ts'

/** Requests of one caller in one hour. */
export interface Window {
  limit: number
  used: number
  /** when it begins anew, milliseconds since 1970 */
  reset: number
}

// Source: GitHub REST API, "Rate limits for the REST API".
const ANONYMOUS = 60
const AUTHENTICATED = 5000
const HOUR = 3_600_000

export interface RateLimits {
  window(caller: Caller): Window
  /** From now on, everybody has so many requests left in this hour. */
  setRemaining(remaining: number): void
}

export function createRateLimits(clock: Clock): RateLimits {
  const windows = new Map<string, Window>()
  let granted: { remaining: number; until: number } | undefined
  return {
    window(caller) {
      const now = clock.now()
      const key = keyOf(caller)
      const known = windows.get(key)
      if (known !== undefined && known.reset > now) return known
      const limit = caller.kind === 'anonymous' ? ANONYMOUS : AUTHENTICATED
      const remaining = granted !== undefined && granted.until > now ? granted.remaining : limit
      const window = { limit, used: Math.max(0, limit - remaining), reset: now + HOUR }
      windows.set(key, window)
      return window
    },
    setRemaining(remaining) {
      windows.clear()
      granted = { remaining, until: clock.now() + HOUR }
    },
  }
}

/** Installations are counted as one each, people too; an App's own requests apart from those. */
function keyOf(caller: Caller): string {
  if (caller.kind === 'token') return `${caller.token.kind} ${caller.token.id}`
  return caller.kind === 'app' ? `app ${caller.app.id}` : caller.kind
}

export function remainingOf({ limit, used }: Window): number {
  return Math.max(0, limit - used)
}

export function describeWindow(window: Window): Record<string, number> {
  return {
    limit: window.limit,
    used: window.used,
    remaining: remainingOf(window),
    reset: Math.ceil(window.reset / 1000),
  }
}

export function rateLimitHeaders(window: Window): Record<string, string> {
  const described = Object.entries(describeWindow(window)).map(([name, value]) => [
    `x-ratelimit-${name}`,
    String(value),
  ])
  return { ...Object.fromEntries(described), 'x-ratelimit-resource': 'core' }
}

export function rateLimitExceeded(caller: Caller): Answer {
  if (caller.kind === 'token') {
    const whose = caller.token.kind === 'installation' ? 'installation' : 'user'
    return refusal(403, `API rate limit exceeded for ${whose} ID ${caller.token.id}.`)
  }
  if (caller.kind === 'app') return refusal(403, `API rate limit exceeded for app ID ${caller.app.id}.`)
  return refusal(
    403,
    "API rate limit exceeded for 127.0.0.1. (But here's the good news: Authenticated requests get a higher rate limit. Check out the documentation for more details.)",
  )
}
