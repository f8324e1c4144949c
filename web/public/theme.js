// Runs before the first paint, so that the page never flashes in the wrong theme.
try {
  const chosen = localStorage.getItem('healthsync.theme');
  const dark = chosen ? chosen === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
  document.documentElement.dataset.theme = dark ? 'dark' : 'light';
} catch {
  document.documentElement.dataset.theme = 'light';
}
