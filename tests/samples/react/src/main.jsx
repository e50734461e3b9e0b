import { createRoot } from 'react-dom/client';

import { shelf } from './shelf.js';

createRoot(document.getElementById('root')).render(<h1>{shelf(['one', 'two'])}</h1>);
