import { QueryClientProvider } from '@tanstack/react-query';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { BrowserRouter } from 'react-router';
import { App } from './app';
import { Boundary } from './components/states';
import { queryClient } from './lib/client';
import { startI18n } from './lib/i18n';
import './theme/base.css';
import './theme/preferences';

const root = document.getElementById('root');
if (!root) throw new Error('no #root');

await startI18n();

createRoot(root).render(
  <StrictMode>
    <QueryClientProvider client={queryClient}>
      <BrowserRouter>
        <Boundary>
          <App />
        </Boundary>
      </BrowserRouter>
    </QueryClientProvider>
  </StrictMode>,
);
