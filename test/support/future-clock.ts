// node --import FILE: the clock of the day of this process is 50 years ahead, as a host's can be.
const FIFTY_YEARS = 50 * 365 * 86_400_000;
const now = Date.now;
Date.now = () => now() + FIFTY_YEARS;
