import { Component } from '@angular/core';
import { bootstrapApplication } from '@angular/platform-browser';

@Component({ selector: 'app-shelf', template: '<h1>2 books</h1>' })
class Shelf {}

bootstrapApplication(Shelf);
