/**
 * An hour. Publish writes a derivation's narinfos right after its NARs, and lives 15 minutes at most, so what is older and incomplete is no
 * longer under way.
 */
export const IN_PROGRESS_MS = 60 * 60 * 1000
