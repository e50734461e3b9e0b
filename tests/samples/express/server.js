'use strict';

const { app } = require('./app.js');

app.listen(process.env.PORT || 3000, '127.0.0.1');
