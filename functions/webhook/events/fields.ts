import * as z from 'zod/mini'

// Only what is needed of a payload: bodies reach 25 MB, and the rest is never looked at.

export const Commit = z.string().check(z.regex(/^[0-9a-f]{40}$/))

export const Repository = z.object({ full_name: z.string().check(z.regex(/^[\w.-]+\/[\w.-]+$/)) })

export const FullRef = z.string().check(z.startsWith('refs/'))
